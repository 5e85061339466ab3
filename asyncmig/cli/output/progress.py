"""What a run says to people while it goes on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from asyncmig import events
from asyncmig.cli.output.console import Paint
from asyncmig.cli.output.table import amount, counted, duration
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from asyncmig.cli.output.console import Console
    from asyncmig.events import (
        Event,
        MigrationApplied,
        MigrationFailed,
        MigrationProgressed,
        MigrationRetrying,
        MigrationReverted,
        MigrationStarted,
        MigrationWaiting,
    )
    from asyncmig.locks import LockReport

_ERASE = "\r\x1b[K"
_TICK = 1.0


class Progress:
    """Prints a line for each migration as it finishes, and on a terminal what runs meanwhile.

    Args:
        console: Where. Lines go to stdout. What is only worth knowing while it lasts is a line on
            the terminal that comes and goes; without a terminal it goes to stderr.
        alone: Whether nobody else tells the events. Where the logs do, only the lines are printed:
            a log would end up in the middle of a line that comes and goes.
        locks: Whether to print what each migration locked, where that is told.
    """

    def __init__(self, console: Console, *, alone: bool, locks: bool = False) -> None:
        self._console = console
        self._alone = alone
        self._doing = ""
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._shows_locks = locks
        self._locks: LockReport | None = None

    def __call__(self, event: Event) -> None:
        """Tell what happened."""
        match event:
            case events.RunStarted():
                pass  # in front: the other events are created when they are first named
            case events.RunFinished() | events.LockAcquired():
                self._erase()
            case events.LockWaiting(holder=holder, waited_ms=waited):
                self._notice(f"waiting for {holder or 'another runner'}", waited / 1000)
            case events.BaselineRecorded(version=version):
                self._erase()
                self._console.out.write(f"baseline {version}: the database had tables already")
            case _:
                self._tell_of_migration(event)

    def _tell_of_migration(self, event: Event) -> None:
        from asyncmig.blocker import list_of

        match event:
            case events.MigrationStarted(direction=direction):
                verb = "applying" if direction is Direction.UP else "reverting"
                self._show(f"{verb} {_title(event)}")
            case events.MigrationProgressed():
                self._advanced(event)
            case events.MigrationRetrying(reason=reason, attempt=attempt, blockers=blockers):
                held = f"; held by {list_of(blockers)}" if blockers else ""
                self._notice(f"{_title(event)} waits for a lock (try {attempt}): {reason}{held}")
            case events.MigrationWaiting(phase=phase, blockers=blockers, waited_ms=waited):
                doing = f" ({phase})" if phase else ""
                text = f"{_title(event)} waits for {list_of(blockers)}{doing}"
                self._notice(text, waited / 1000)
            case events.LocksReported(report=report):
                self._locks = report if self._shows_locks else None
            case events.MigrationApplied() | events.MigrationReverted() | events.MigrationFailed():
                self._ended(event)
            case _:
                pass

    def _ended(self, event: MigrationApplied | MigrationReverted | MigrationFailed) -> None:
        """Tell how a migration ended; what went wrong is told by the error."""
        self._erase()
        if not isinstance(event, events.MigrationFailed):
            self._finished(event)
        self._show_locks()

    def _show_locks(self) -> None:
        """Print what the migration locked below its line, if somebody wanted to know."""
        report, self._locks = self._locks, None
        if report is not None:
            from asyncmig.cli.output.locks import locks_table

            for line in locks_table(report):
                self._console.out.write(f"    {line}")

    def _finished(self, event: MigrationApplied | MigrationReverted) -> None:
        out = self._console.out
        applied = isinstance(event, events.MigrationApplied)
        verb = (
            out.paint("applied ", Paint.GREEN) if applied else out.paint("reverted", Paint.YELLOW)
        )
        took = out.paint(f"({duration(event.duration_ms)})", Paint.DIM)
        out.write(f"{verb} {_title(event)} {took}")

    def _advanced(self, event: MigrationProgressed) -> None:
        """Say how far batches are, what they do in a second, and how long the rest takes."""
        parts = [f"{_title(event)}: {amount(event.batches, event.rows)}"]
        if event.rate is not None:
            parts.append(f"{event.rate:,.0f} a second")
        if event.remaining_rows is not None and event.remaining_ms is not None:
            left = duration(event.remaining_ms)
            parts.append(f"about {event.remaining_rows:,} and {left} left")
        if event.waits_for:
            parts.append(f"waits for {event.waits_for}")
        self._notice(", ".join(parts), time.monotonic() - self._since)

    def _notice(self, text: str, seconds: float = 0.0) -> None:
        if self._console.out.is_terminal:
            self._show(text, seconds)
        elif self._alone:
            self._console.err.write(text)

    def _show(self, text: str, seconds: float = 0.0) -> None:
        """Begin a line that counts the seconds until it is erased."""
        self._erase()
        if self._console.out.is_terminal and self._alone:
            self._doing = text
            self._since = time.monotonic() - seconds
            self._tick()

    def _tick(self) -> None:
        seconds = int(time.monotonic() - self._since)
        line = f"{self._doing} … {counted(seconds)}".rstrip()
        out = self._console.out
        # A line that wraps could not be erased.
        out.write(f"{_ERASE}{out.paint(line[: out.width - 1], Paint.DIM)}", end="")
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _erase(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._console.out.write(_ERASE, end="")


def _title(
    event: MigrationStarted
    | MigrationApplied
    | MigrationReverted
    | MigrationRetrying
    | MigrationWaiting
    | MigrationProgressed,
) -> str:
    """Return version and name; a repeatable's version has the name in it."""
    repeatable = event.version.startswith("R__")
    return event.version if repeatable else f"{event.version} {event.name}"
