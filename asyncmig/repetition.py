"""Tell when to try what another runner has just failed at would only fail again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import MigrationFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.history import HistoryEntry
    from asyncmig.plan import Step

_ABOUT_THE_MOMENT = ("08", "40", "53", "55", "57")
"""SQLSTATE classes of failures that say nothing about the migration: connection, rollback,
resources, object state (locks), operator. See PostgreSQL's appendix A."""


def refuse_repetition(step: Step, failures: Iterable[HistoryEntry]) -> None:
    """Fail as the other runner did, if this one would run the very same thing.

    Args:
        step: What would run next.
        failures: The rows in state ``failed`` that were written meanwhile.

    Raises:
        MigrationFailedError: The database's code says that trying again would not help.
    """
    for row in failures:
        if _is_same(row, step) and _is_deterministic(row):
            raise _repeated(row, step)


def _is_same(row: HistoryEntry, step: Step) -> bool:
    return (row.identity, row.direction, row.checksum) == (
        step.identity,
        step.direction,
        step.checksum,
    )


def _is_deterministic(row: HistoryEntry) -> bool:
    sqlstate = row.failure.sqlstate if row.failure else None
    return sqlstate is not None and not sqlstate.startswith(_ABOUT_THE_MOMENT)


def _repeated(row: HistoryEntry, step: Step) -> MigrationFailedError:
    failure = row.failure
    assert failure is not None  # noqa: S101 - _is_deterministic() saw it
    return MigrationFailedError(
        f"{failure.message} (another runner met this error; it was not tried again here)",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        line=failure.line,
        column=failure.column,
        sqlstate=failure.sqlstate,
    )
