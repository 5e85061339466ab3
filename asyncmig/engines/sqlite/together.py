"""Run several steps in one transaction: its COMMIT makes all of them stand, with their history.

Each step is compared with what it would be alone: the foreign keys are checked behind it, and what
it leaves on the connection is put back.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.engines.cleanup import see_through
from asyncmig.engines.sqlite.applying import Turn, body_of, failed_as_a_whole
from asyncmig.engines.sqlite.bodies import prepared_of
from asyncmig.engines.sqlite.connection import ClosedError, DriverError, pragma
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.foreign_keys import ForeignKeysOff
from asyncmig.engines.sqlite.leftovers import Surroundings
from asyncmig.engines.sqlite.records import roll_back
from asyncmig.engines.sqlite.shared import SAVEPOINT, Alone
from asyncmig.errors import DatabaseError, DatabaseUnavailableError
from asyncmig.migration import PythonScript, SqlScript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Share
    from asyncmig.engines.sqlite.connection import Raw
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step

_KEYS = "foreign_keys"


async def apply_together(
    desk: Desk, shares: Sequence[Share], planned: Generation
) -> tuple[HistoryEntry, ...]:
    """Run the steps; where an application is writing, roll all back and try all again.

    Args:
        desk: Where.
        shares: What.
        planned: The generation of the history in front of the first of them.

    Raises:
        DatabaseBusyError: An application was writing for longer than the budget.
    """
    wants_keys_off = [await _wants_keys_off(share) for share in shares]
    together = _Together(desk, shares, planned, wants_keys_off)
    return await desk.patiently(together.once, on_retrying=together.on_retrying)


async def _wants_keys_off(share: Share) -> bool:
    """Tell whether the script of a step says so, in its marker or by a pragma."""
    script = share.step.script
    if not script.foreign_keys:
        return True
    if not isinstance(script, SqlScript) or _KEYS not in script.text.lower():
        return False
    prepared = share.prepared or await prepared_of(share.step, script)
    return not prepared.foreign_keys


class OneForAll:
    """A transaction that several steps share, see :class:`.batch.Transaction`.

    Whichever step fails, all of them are rolled back.

    Args:
        steps: How many.
        keys: What turns the foreign keys off in front of BEGIN; ``None`` to leave them alone.
    """

    def __init__(self, steps: int, keys: ForeignKeysOff | None) -> None:
        self._left = steps
        self._keys = keys
        self._before: Surroundings | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the first step got its turn."""
        return self._before is not None

    def begin(self, raw: Raw) -> None:
        """Begin the transaction with its first step."""
        if self._before is None:
            if self._keys is not None:
                self._keys.turn_off(raw)
            raw.execute("BEGIN IMMEDIATE")
            self._before = Surroundings.of(raw)
        raw.execute(f"SAVEPOINT {SAVEPOINT}")

    def begin_again(self, raw: Raw) -> None:
        """Undo the step alone, unless all of them are gone."""
        if raw.in_transaction:
            raw.execute(f"ROLLBACK TO {SAVEPOINT}")

    def commit(self, raw: Raw) -> None:
        """Make way for the next step; the COMMIT of all is :meth:`conclude`."""
        raw.execute(f"RELEASE {SAVEPOINT}")
        self._left -= 1
        if self._left and self._before is not None:
            self._before.put_back(raw)

    def roll_back(self, raw: Raw) -> None:
        """Undo all steps."""
        roll_back(raw)
        self._restore(raw)

    def conclude(self, raw: Raw) -> None:
        """Make all steps stand."""
        raw.execute("COMMIT")
        self._restore(raw)

    def _restore(self, raw: Raw) -> None:
        if self._keys is not None:
            self._keys.restore(raw)


class WatchedKeys(ForeignKeysOff):
    """Foreign keys that a step must leave whole, and that are turned off around all of them.

    Where they are on, SQLite looks at those that are deferred in COMMIT: too late to tell which
    step it was, and behind a later one that may have put it right.
    """

    def turn_off(self, raw: Raw) -> None:
        """Leave them as they are."""

    def restore(self, raw: Raw) -> None:
        """Leave them as they are."""


class _Together:
    """Steps that share a transaction, which can be tried again."""

    def __init__(
        self,
        desk: Desk,
        shares: Sequence[Share],
        planned: Generation,
        wants_keys_off: Sequence[bool],
    ) -> None:
        self._desk = desk
        self._shares = shares
        self._planned = planned
        self._wants_keys_off = wants_keys_off
        self._turns: list[Turn] = []

    def on_retrying(self, attempt: int, pause: float, reason: str) -> None:
        """Pass on that all was rolled back."""
        if self._turns:
            self._turns[-1].on_retrying(attempt, pause, reason)

    async def once(self) -> tuple[HistoryEntry, ...]:
        """Run them all, and commit.

        Raises:
            DriverError: The database is busy; all may be tried again.
        """
        desk = self._desk
        self._turns = []
        await desk.lay_out(Alone())  # the hook may do what it likes: nothing has begun
        are_on = bool(await desk.worker.run(pragma, _KEYS))
        turned_off = ForeignKeysOff() if are_on and any(self._wants_keys_off) else None
        transaction = OneForAll(len(self._shares), turned_off)
        try:
            entries = await self._run(transaction, are_on=are_on)
            await self._commit(transaction)
        except BaseException:
            await desk.sweep(transaction.roll_back)
            desk.fence.forget()
            raise
        desk.is_used = True
        return entries

    async def _run(self, transaction: OneForAll, *, are_on: bool) -> tuple[HistoryEntry, ...]:
        planned = self._planned
        entries: list[HistoryEntry] = []
        for share, wants_off in zip(self._shares, self._wants_keys_off, strict=True):
            keys = WatchedKeys() if are_on or wants_off else None
            entry = await self._take(share, planned, transaction, keys)
            planned = replace(planned, newest_id=entry.id)
            entries.append(entry)
        return tuple(entries)

    async def _take(
        self,
        share: Share,
        planned: Generation,
        transaction: OneForAll,
        keys: WatchedKeys | None,
    ) -> HistoryEntry:
        """Run one step, up to the COMMIT of all."""
        step = share.step
        with await share.around():
            async with body_of(step, share.prepared) as body:
                turn = Turn(
                    self._desk,
                    step,
                    planned,
                    share.events,
                    body,
                    transaction=transaction,
                    keys=keys,
                )
                self._turns.append(turn)
                try:
                    return await turn.take_as_it_is()
                except DriverError as error:
                    if transaction.has_begun:
                        self._refuse_to_repeat(step, error)
                    raise

    def _refuse_to_repeat(self, step: Step, error: DriverError) -> None:
        """Fail where a busy database would have a Python migration run again that must not.

        Raises:
            MigrationFailedError: There is one.
        """
        reached = [share.step.script for share in self._shares[: len(self._turns)]]
        if is_busy(error) and any(isinstance(s, PythonScript) and not s.retry for s in reached):
            raise failed_as_a_whole(step, str(error)) from error

    async def _commit(self, transaction: OneForAll) -> None:
        """Commit, as often as it takes while somebody reads. A cancellation comes after that."""
        try:
            error = await see_through(self._conclude(transaction))
        except TimeoutError as late:
            raise asyncio.CancelledError from late
        if error is not None:
            raise error

    async def _conclude(self, transaction: OneForAll) -> DatabaseError | None:
        """Return what went wrong: some of it is a TimeoutError, as is being out of time."""
        desk = self._desk
        try:
            await desk.patiently(lambda: desk.worker.run_to_end(transaction.conclude))
        except DatabaseError as error:
            return error
        except ClosedError:
            return DatabaseUnavailableError("the connection was closed in front of COMMIT")
        return None
