"""Run several steps in one transaction: its COMMIT makes all of them stand, with their history.

To each step it looks like a transaction of its own: what the one before it has set, made for the
session or left to be checked at the end is taken back, checked and set anew in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.begun import BEGUN
from asyncmig.engines.postgres.lent import BELONGINGS, belongings_of
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.patience import Patience, as_patiently
from asyncmig.engines.postgres.resume import refuse_progress
from asyncmig.engines.postgres.running import ready
from asyncmig.engines.postgres.settings import DEFERRED_AGAIN, IMMEDIATE_AT_FIRST
from asyncmig.engines.postgres.transactional import commit, run_inside, transaction_for
from asyncmig.migration import PythonScript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Share
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.transaction import Transaction
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.migration import Script


async def apply_together(
    desk: Desk, shares: Sequence[Share], planned: Generation
) -> tuple[HistoryEntry, ...]:
    """Run the steps; when one has to wait for a lock too long, roll all back and try all again.

    Args:
        desk: Where.
        shares: What.
        planned: The generation of the history in front of the first of them.
    """
    for share in shares:
        refuse_progress(share.step)
    together = _Together(desk, shares, planned)
    return await as_patiently(together.once, together.patience)


class _Together:
    """Steps that share a transaction, which can be tried again."""

    def __init__(self, desk: Desk, shares: Sequence[Share], planned: Generation) -> None:
        self._desk = desk
        self._shares = shares
        self._planned = planned
        self._reached: list[Share] = []

    def patience(self) -> Patience:
        """Give it as many tries as the step has that was reached, unless one must not run twice."""
        last = self._reached[-1]
        attempts = limits_of(self._desk.settings, last.step.script).attempts
        if any(_runs_once(share.step.script) for share in self._reached):
            attempts = 1
        return Patience(last.events, attempts)

    async def once(self) -> tuple[HistoryEntry, ...]:
        """Run them all, and commit."""
        self._reached = []
        steps = [share.step for share in self._shares]
        transaction = transaction_for(self._desk, steps)
        try:
            entries = await self._run(transaction)
        except BaseException:
            await transaction.roll_back()
            raise
        await commit(self._desk, transaction, steps[-1], entries)
        return entries

    async def _run(self, transaction: Transaction) -> tuple[HistoryEntry, ...]:
        before = await self._begin(transaction)
        planned = self._planned
        entries: list[HistoryEntry] = []
        for share in self._shares:
            if entries:
                await self._defer_again()
            self._reached.append(share)
            entry = await self._take(share, planned, before)
            planned = replace(planned, newest_id=entry.id)
            entries.append(entry)
        return tuple(entries)

    async def _begin(self, transaction: Transaction) -> Belongings | None:
        """Begin, alone, with the history as it was planned from."""
        is_lent = self._desk.wire.lent
        query = BELONGINGS if is_lent else None
        rows = await self._desk.enter(transaction, self._planned, query=query)
        return belongings_of(rows) if is_lent else None

    async def _defer_again(self) -> None:
        """Set the constraints back to what they are in a transaction that has just begun.

        There is no order for that. One that the next step makes itself, and that is INITIALLY
        IMMEDIATE, is therefore checked at the end of the step.
        """
        wire = self._desk.wire
        names = await wire.fetch(IMMEDIATE_AT_FIRST, after=DEFERRED_AGAIN)
        if names:
            listed = ", ".join(f"{schema}.{name}" for schema, name in names)
            await wire.execute(f"SET CONSTRAINTS {listed} IMMEDIATE;")

    async def _take(
        self, share: Share, planned: Generation, before: Belongings | None
    ) -> HistoryEntry:
        """Run one step, up to the COMMIT of all."""
        desk, step = self._desk, share.step
        entry_id = desk.entry_id(step, planned)
        row = f"{desk.transaction_settings(step.script)} {desk.book.opening(step, entry_id)}"
        with await share.around():
            async with ready(step, share.prepared) as work:
                await desk.wire.execute(f"{row}{BEGUN}")
                return await run_inside(desk, step, entry_id, before, work, events=share.events)


def _runs_once(script: Script) -> bool:
    """Tell whether what a script does outside of the database would happen again."""
    return isinstance(script, PythonScript) and not script.retry
