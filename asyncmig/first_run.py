"""Begin in a database without history: look what else is there, and record where to begin.

The decision is that of :mod:`asyncmig.start`. Only a first run comes here.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.history import HistoryEntry
from asyncmig.importing import ADOPTING, imported
from asyncmig.repair import plan_baseline
from asyncmig.start import baseline_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Session
    from asyncmig.history import History
    from asyncmig.migration import Migration
    from asyncmig.request import Policy


async def look_around(
    session: Session, seen: History, policy: Policy
) -> tuple[History, str | None]:
    """Return the history, and what to record as the baseline of a first run.

    Behind a pooler nobody keeps the lock between two messages: what is found may be of a run that
    has begun meanwhile, and then there is a history.

    Args:
        session: A visit to the database.
        seen: The history as it was just now, without a row.
        policy: What the caller said of such a database.

    Raises:
        ForeignHistoryError: There is the history of another tool, and the caller said nothing.
        NoHistoryError: There are tables, and the caller said nothing.
    """
    if not (residents := await session.residents()):
        return seen, None
    history = await session.history()
    if policy.baseline is None and not history.entries:
        await _refuse_foreign(session)
    return history, baseline_for(history, residents, policy.baseline)


async def _refuse_foreign(session: Session) -> None:
    """Stop where another tool says what was applied: that is better than any guess.

    Raises:
        ForeignHistoryError: Another tool does.
    """
    await imported(*ADOPTING)
    from asyncmig.adopt.finding import find_histories, not_adopted

    if found := await find_histories(session):
        raise not_adopted(found)


async def record(
    session: Session, migrations: Sequence[Migration], target: str
) -> HistoryEntry | None:
    """Record the baseline under the lock; ``None`` if another runner was faster.

    Raises:
        UnknownVersionError: No file has that version.
    """
    while not (history := await session.history()).entries:
        (edit,) = plan_baseline(migrations, history, target).edits
        with suppress(HistoryMovedError):
            return await session.edit(edit, history.generation)
    return None


def as_if_recorded(migrations: Sequence[Migration], history: History, target: str) -> History:
    """Return the history as it would be with the baseline in it, for a plan.

    Raises:
        UnknownVersionError: No file has that version.
    """
    (edit,) = plan_baseline(migrations, history, target).edits
    row = edit.row
    entry = HistoryEntry(
        id=history.generation.newest_id + 1,
        kind=row.kind,
        direction=row.direction,
        version=row.version,
        name=row.name,
        checksum=row.checksum,
        state=row.state,
        started_at=datetime.now(UTC),
        origin=row.origin,
    )
    return history.with_entry(entry, edit)
