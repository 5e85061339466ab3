"""Run a step and its history row in one transaction."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.authorizer import Authorizer
from asyncmig.engines.sqlite.bodies import body_of
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.foreign_keys import ForeignKeysOff, ViolationsError
from asyncmig.engines.sqlite.records import read_entry, refuse_moved, roll_back, write
from asyncmig.engines.sqlite.row import RowOfStep
from asyncmig.errors import MigrationFailedError, TransactionLostError

if TYPE_CHECKING:
    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.sqlite.bodies import Body
    from asyncmig.engines.sqlite.connection import Raw
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step


async def apply_in_transaction(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a step and commit it together with its row, as often as it takes on a busy database.

    Raises:
        HistoryMovedError: The history has moved on; nothing was run.
        MigrationFailedError: It failed and was rolled back.
        DatabaseBusyError: An application was writing for longer than the budget.
    """
    async with body_of(step, prepared) as body:
        turn = Turn(desk, step, planned, events, body)
        return await desk.patiently(turn.take, on_retrying=turn.on_retrying)


class Turn:
    """The turn of one step. It can be taken again after a busy database has stopped it."""

    def __init__(
        self, desk: Desk, step: Step, planned: Generation, events: StepEvents, body: Body
    ) -> None:
        self._desk = desk
        self._step = step
        self._planned = planned
        self._events = events
        self._body = body
        self._row = RowOfStep(step, planned, desk.table, desk.runner)
        self._keys = None if body.foreign_keys else ForeignKeysOff()
        self._authorizer = Authorizer()
        self._began: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def on_retrying(self, attempt: int, pause: float, reason: str) -> None:
        """Pass on that the step was rolled back. Waiting for its turn is no news."""
        if self._began is not None:
            self._events.on_retrying(attempt, pause, reason)

    async def take(self) -> HistoryEntry:
        """Run the step once.

        Raises:
            DriverError: The database itself; a busy one may be tried again.
        """
        desk = self._desk
        await desk.lay_out()
        self._loop = asyncio.get_running_loop()
        try:
            entry = await self._run()
            await desk.worker.run_to_end(self._commit)
        except BaseException:
            await desk.sweep(self._give_up)
            raise
        # Nothing that can be cancelled comes after the COMMIT: its outcome is to be reported.
        return entry

    async def _run(self) -> HistoryEntry:
        worker = self._desk.worker
        try:
            return await self._body.run(worker, self._authorizer, self._begin, self._finish)
        except ClosedError as error:
            raise self._lost("it closed the connection") from error
        finally:
            self._desk.is_used = self._authorizer.leaves_state

    # --- in the thread --------------------------------------------------------------------------

    def _begin(self, raw: Raw) -> None:
        """Take the turn: the fence, and the row that makes the unique index another one."""
        if self._keys:
            self._keys.turn_off(raw)
        raw.execute("BEGIN IMMEDIATE")
        refuse_moved(raw, self._desk.table, self._planned)
        if self._keys:
            self._keys.note_violations(raw)
        write(raw, *self._row.opening())
        self._authorizer.install(raw)
        if self._began is None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._events.on_started)
        self._began = time.monotonic()

    def _finish(self, raw: Raw) -> HistoryEntry:
        """Write the end of the row: the outcome of the step, but for the COMMIT."""
        self._authorizer.remove(raw)
        if not raw.in_transaction:
            raise self._lost("a conflict rolled it back in the middle, and it went on")
        try:
            return self._close(raw)
        except (DriverError, ViolationsError) as error:
            if is_busy(error):
                raise
            raise self._failed(str(error)) from error

    def _close(self, raw: Raw) -> HistoryEntry:
        if self._keys:
            self._keys.refuse_new_violations(raw)
        spent = time.monotonic() - (self._began or 0)
        write(raw, *self._row.closing(round(spent * 1000)))
        return read_entry(raw, self._desk.table, self._row.id)

    def _commit(self, raw: Raw) -> None:
        try:
            raw.execute("COMMIT")
        except DriverError as error:
            if is_busy(error):
                raise
            raise self._failed(str(error)) from error
        if self._keys:
            self._keys.restore(raw)

    def _give_up(self, raw: Raw) -> None:
        self._authorizer.remove(raw)
        roll_back(raw)
        if self._keys:
            self._keys.restore(raw)

    # --- what went wrong ------------------------------------------------------------------------

    def _failed(self, why: str) -> MigrationFailedError:
        return failed_as_a_whole(self._step, why)

    def _lost(self, why: str) -> TransactionLostError:
        return TransactionLostError(
            f"migration {self._step.key} lost the transaction that it ran in: {why}",
            version=self._step.key,
            direction=self._step.direction,
            file=self._step.script.path,
            hint="look at what it has done: not all of it may be rolled back",
        )


def failed_as_a_whole(step: Step, why: str) -> MigrationFailedError:
    """Return the error for what no single statement is to blame for."""
    path = step.script.path
    return MigrationFailedError(
        f"migration {step.key} failed ({path}): {why}",
        version=step.key,
        direction=step.direction,
        file=path,
    )
