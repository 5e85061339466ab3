"""Write into the history what a person decided: the loop of a repair or a baseline."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.looking import look
from asyncmig.report import RepairReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncmig.engines.base import Engine, Runner, Session, Wait
    from asyncmig.files import Files
    from asyncmig.history import History, HistoryEntry
    from asyncmig.migration import Migration
    from asyncmig.repair import Repair


async def settled(
    engine: Engine,
    files: Files,
    decide: Callable[[Sequence[Migration], History], Repair],
    runner: Runner,
    wait: Wait,
    *,
    dry_run: bool,
) -> RepairReport:
    """Decide what to write into a history, write it, and say what it was.

    Args:
        engine: The database.
        files: The migrations.
        decide: What to change, given the migrations and the history.
        runner: Who decides.
        wait: How to wait for the lock, which is taken only if there is something to write.
        dry_run: Whether to leave the writing out.
    """
    migrations, history = await look(engine, files, runner)
    repair = decide(migrations, history)
    entry: HistoryEntry | None = None
    if repair.edits and not dry_run:
        async with engine.session(runner) as session, session.lock(wait):
            repair, entry = await settle(session, partial(decide, migrations))
    return RepairReport(engine.address, repair.description, entry)


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
