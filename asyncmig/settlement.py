"""Write into the history what a person decided: the loop of a repair or a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Session
    from asyncmig.history import History, HistoryEntry
    from asyncmig.repair import Repair


async def settle(
    session: Session, decide: Callable[[History], Repair]
) -> tuple[Repair, HistoryEntry | None]:
    """Decide under the lock, write, and decide again whenever the history moved.

    Args:
        session: It holds the lock.
        decide: What to change, given the history.

    Returns:
        What was decided, and the last row that it appended, ``None`` when it changed nothing.
    """
    entry: HistoryEntry | None = None
    while True:
        history = await session.history()
        repair = decide(history)
        try:
            for edit in repair.edits:
                entry = await session.edit(edit, history.generation)
                history = history.with_entry(entry, edit)
        except HistoryMovedError:
            continue
        return repair, entry
