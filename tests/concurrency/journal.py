"""What many runners tell while they run, collected in one place."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio

from asyncmig.events import LockWaiting, MigrationApplied, MigrationStarted, RunFinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.events import Event, Observer

SECONDS = 45.0  # below the time-out per test, so that what was told is shown


@dataclass(frozen=True, slots=True)
class Note:
    """One event of one runner.

    Attributes:
        runner: Its number.
        event: The name of the event's class.
        at: When, by the clock of the machine, in seconds since 1970.
        holder: Who holds the lock; empty for other events.
        since: Since when the holder is connected.
        version: Which migration; empty for events about a run.
    """

    runner: int
    event: str
    at: float
    holder: str = ""
    since: datetime | None = None
    version: str = ""


@dataclass(slots=True)
class Journal:
    """All notes of a herd. Threads may write into it at the same time.

    Attributes:
        notes: The events, in the order in which they arrived.
        remarks: What processes wrote to stderr besides.
    """

    notes: list[Note] = field(default_factory=list[Note])
    remarks: list[str] = field(default_factory=list[str])

    def observer(self, runner: int) -> Observer:
        """Return the observer of a runner inside this process."""

        def observe(event: Event) -> None:
            values = {name: getattr(event, name, default) for name, default in DEFAULTS.items()}
            self.notes.append(Note(runner, type(event).__name__, time.time(), **values))

        return observe

    def read(self, runner: int, line: str) -> None:
        """Take over a line that a process has logged as JSON."""
        fields: dict[str, Any] = json.loads(line)
        words = fields["event"].removeprefix("asyncmig.").split("_")
        since = fields.get("since")
        self.notes.append(
            Note(
                runner,
                "".join(word.capitalize() for word in words),
                datetime.fromisoformat(fields["timestamp"]).timestamp(),
                fields.get("holder", ""),
                None if since is None else datetime.fromisoformat(since),
                fields.get("version", ""),
            )
        )

    def of(self, event: type[Event]) -> list[Note]:
        """Return the notes of one kind, in the order in which they arrived."""
        return [note for note in list(self.notes) if note.event == event.__name__]

    @property
    def waits(self) -> list[Note]:
        """Who said that another one holds the lock, and could tell which one.

        Nobody can while the lock changes hands, or is taken for the first time.
        """
        return [note for note in self.of(LockWaiting) if note.holder]

    async def until_begun(self, version: str) -> None:
        """Return when a runner has begun this migration."""
        await until(lambda: self.tries(version) > 0)

    def tries(self, version: str) -> int:
        """Count how often a migration was begun, over all runners."""
        return sum(1 for note in self.of(MigrationStarted) if note.version == version)

    def applied(self, runner: int) -> tuple[str, ...]:
        """Return what a runner has applied, in its order."""
        return tuple(note.version for note in self.of(MigrationApplied) if note.runner == runner)

    def ready_at(self) -> dict[int, float]:
        """Return when each runner was done, for those that are."""
        return {note.runner: note.at for note in self.of(RunFinished)}

    async def until_waiting(self, count: int, seconds: float = SECONDS) -> None:
        """Return when so many runners have said for whom they wait."""
        await until(lambda: len({note.runner for note in self.waits}) >= count, seconds)


DEFAULTS: dict[str, Any] = {"holder": "", "since": None, "version": ""}


async def until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something is true that nobody announces.

    Raises:
        TimeoutError: It does not become true.
    """
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - files, processes and threads send no events
            await anyio.sleep(0.005)
