"""Run steps in one transaction, look at what each of them locks, and roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.batches import one_batch
from asyncmig.engines.postgres.begun import BEGUN
from asyncmig.engines.postgres.lent import BELONGINGS, belongings_of
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.observation import Observation
from asyncmig.engines.postgres.resume import refuse_progress
from asyncmig.engines.postgres.running import ready
from asyncmig.engines.postgres.settings import milliseconds
from asyncmig.engines.postgres.transaction import NestableTransaction
from asyncmig.engines.postgres.transactional import carry_out
from asyncmig.engines.python_script import run_setup
from asyncmig.lock_policy import LockPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.history import History
    from asyncmig.locks import LockReport
    from asyncmig.migration import Script
    from asyncmig.plan import Step

_LONGEST_WAIT = 2.0
"""Seconds that a statement may wait for a lock, whatever its file says: the locks of all steps
before it are held meanwhile, for nothing."""


async def rehearse(
    desk: Desk,
    choose: Callable[[History], Sequence[Step]],
    on_locks: Callable[[Step, LockReport], None],
) -> None:
    """Run the steps under the lock, the history with them, and roll everything back.

    It is the code that applies them, but for the COMMIT: even the history table is made where
    there is none.
    """
    history = await desk.read()
    steps = choose(history)
    if not steps:
        return
    transaction = NestableTransaction(desk.wire)
    try:
        before = await _begin(desk, transaction, history)
        for step in steps:
            history = await _try(desk, step, history, before, on_locks)
    finally:
        await transaction.roll_back()


async def _begin(
    desk: Desk, transaction: NestableTransaction, history: History
) -> Belongings | None:
    """Begin, alone, with the history as it was planned from, and with a table for it."""
    planned = history.generation if history.exists else None
    query = BELONGINGS if desk.wire.lent else None
    rows = await desk.enter(transaction, planned, query=query)
    if not history.exists:
        await desk.book.create()
    return belongings_of(rows) if desk.wire.lent else None


async def _try(
    desk: Desk,
    step: Step,
    history: History,
    before: Belongings | None,
    on_locks: Callable[[Step, LockReport], None],
) -> History:
    """Run one step, of one in batches the next batch, and return the history with it."""
    is_one = step.script.batching is None
    if is_one:
        refuse_progress(step)
    entry_id = desk.entry_id(step, history.generation)
    settings = f"{desk.transaction_settings(step.script)} {_limit(desk, step.script)}"
    await desk.wire.execute(f"{settings} {desk.book.opening(step, entry_id)}{BEGUN}")
    await run_setup(desk.settings.setup, desk.wire.raw)
    observation = Observation(desk.wire, desk.table, desk.settings.locks or LockPolicy())
    await observation.begin()
    async with ready(step) if is_one else one_batch(step) as work:
        entry = await carry_out(desk, step, entry_id, before, work, observation=observation)
    on_locks(step, await observation.report())
    return history.with_entry(entry, step.edit())


def _limit(desk: Desk, script: Script) -> str:
    """Return the SET of the time for which a statement may wait for a lock."""
    asked = limits_of(desk.settings, script).lock_timeout
    seconds = _LONGEST_WAIT if asked is None else min(asked, _LONGEST_WAIT)
    return f"SET LOCAL lock_timeout = {milliseconds(seconds)};"
