"""What the commands that run migrations have in common."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asyncmig.cli.command import Outcome
from asyncmig.cli.output.document import Facts, row_of_entry, with_locks
from asyncmig.cli.output.table import duration, postponed, spelled
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.history import RowState

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asyncmig.cli.command import Invocation
    from asyncmig.history import HistoryEntry
    from asyncmig.migrator import Migrator
    from asyncmig.report import RunReport

_LOOK_AGAIN_SECONDS = 5.0


async def follow(
    invocation: Invocation, migrator: Migrator, run: Awaitable[RunReport]
) -> RunReport:
    """Await a run. When a migration fails, find out where the database stands now, best effort."""
    import asyncio  # the help of a command comes without it

    try:
        return await run
    except MigrationFailedError:
        with suppress(AsyncmigError, TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                status = await migrator.status()
            journal = invocation.journal
            journal.current = None if status.current is None else str(status.current)
            journal.pending = len(status.pending)
        raise


def outcome_of(invocation: Invocation, *reports: RunReport) -> Outcome:
    """Return what one run, or several in a row, came to."""
    last = reports[-1]
    entries = [entry for report in reports for entry in report.entries]
    locks = invocation.journal.locks
    facts = Facts(
        database=last.database,
        current=None if last.current is None else str(last.current),
        pending=last.pending,
        migrations=tuple(
            with_locks(row_of_entry(entry), locks.get((entry.key, entry.direction)))
            for entry in entries
        ),
        lock_wait_ms=sum(report.lock_wait_ms for report in reports),
        more=_more(reports),
    )
    if invocation.options.quiet:
        return Outcome(facts)
    took = sum(report.duration_ms for report in reports)
    lines = [*_warnings(last), _summary(last, entries, took), *postponed(last.postponed)]
    return Outcome(facts, "\n".join(lines))


def _more(reports: tuple[RunReport, ...]) -> dict[str, Any]:
    """Return what stands in the document behind the fields of every command."""
    more: dict[str, Any] = {"postponed": [status.key for status in reports[-1].postponed]}
    recorded = [str(report.baseline) for report in reports if report.baseline is not None]
    return more | ({"baseline": recorded[0]} if recorded else {})


def _summary(report: RunReport, entries: list[HistoryEntry], took: int) -> str:
    at = f"is at {report.current}" if report.current else "has no migration applied"
    where = f"{report.database} {at}"
    if not entries:
        what = "nothing to do"
    else:
        applied = sum(1 for entry in entries if entry.state is RowState.APPLIED)
        parts = ((applied, "applied"), (len(entries) - applied, "reverted"))
        what = ", ".join(f"{number} {verb}" for number, verb in parts if number)
        what += f" in {duration(took)}"
    left = f"; {report.pending} pending" if report.pending else ""
    return f"{what}: {where}{left}"


def _warnings(report: RunReport) -> list[str]:
    return [
        f"warning: {status.key} {status.name}: {', '.join(map(spelled, status.problems))}"
        for status in report.warnings
    ]
