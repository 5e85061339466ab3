"""Run a step and its history row in one transaction."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.authorizer import Authorizer
from asyncmig.engines.sqlite.bodies import (
    LongBody,
    PythonBody,
    SqlBody,
    prepared_of,
    python_function,
)
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.foreign_keys import ForeignKeysOff, ViolationsError
from asyncmig.engines.sqlite.records import read_entry, write
from asyncmig.engines.sqlite.row import RowOfStep
from asyncmig.engines.sqlite.table import now
from asyncmig.errors import MigrationFailedError, TransactionLostError
from asyncmig.migration import LongScript, PythonScript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.sqlite.bodies import Body
    from asyncmig.engines.sqlite.connection import Raw
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.engines.sqlite.shared import Transaction
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step


_LOOK_EVERY = 0.01
"""Seconds until an observer hears that a step has started, unless it is over before that."""


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
        keys = None if body.foreign_keys else ForeignKeysOff()
        transaction = desk.transaction_for(step, body)
        turn = Turn(desk, step, planned, events, body, transaction=transaction, keys=keys)
        return await desk.patiently(turn.take, on_retrying=turn.on_retrying)


@asynccontextmanager
async def body_of(step: Step, prepared: Prepared | None) -> AsyncGenerator[Body]:
    """Get what a step runs ready, for as long as the block runs."""
    script = step.script
    if isinstance(script, PythonScript):
        async with python_function(step, script) as function:
            yield PythonBody(step, script, function)
    elif isinstance(script, LongScript):
        yield LongBody(step, script)
    else:
        yield SqlBody(step, prepared or await prepared_of(step, script))


class Turn:
    """The turn of one step. It can be taken again after a busy database has stopped it.

    Args:
        desk: Where.
        step: What.
        planned: The generation of the history in front of it.
        events: What to tell.
        body: What it runs.
        transaction: What it runs in.
        keys: What is done about foreign keys meanwhile; ``None`` for nothing.

    Attributes:
        worker: The connection, and its thread.
        authorizer: Asked while the code of the migration runs.
    """

    def __init__(
        self,
        desk: Desk,
        step: Step,
        planned: Generation,
        events: StepEvents,
        body: Body,
        *,
        transaction: Transaction,
        keys: ForeignKeysOff | None,
    ) -> None:
        self._desk = desk
        self._step = step
        self._planned = planned
        self._events = events
        self._body = body
        self._row = RowOfStep(step, planned, desk.table, desk.runner)
        self._keys = keys
        self._transaction = transaction
        # What is one piece of work in the thread needs no row that says that it has begun.
        self._opens_row = isinstance(step.script, PythonScript) or step.resumes is not None
        self._began: datetime | None = None
        self._clock = 0.0
        self._is_told = False
        self.worker = desk.worker
        self.authorizer = Authorizer(desk.table.name)

    @property
    def closed(self) -> Generation:
        """The generation of the history behind the step."""
        return self._row.closed

    def on_retrying(self, attempt: int, pause: float, reason: str) -> None:
        """Pass on that the step was rolled back. Waiting for its turn is no news."""
        if self._began is not None:
            self._events.on_retrying(attempt, pause, reason, ())

    async def take(self) -> HistoryEntry:
        """Run the step once, on a connection that is laid out for it.

        Raises:
            DriverError: The database itself; a busy one may be tried again.
        """
        await self._desk.lay_out(self._transaction)
        return await self.take_as_it_is()

    async def take_as_it_is(self) -> HistoryEntry:
        """Run the step once, on the connection as it is."""
        looking = Looking(self.tell_started)
        try:
            # Nothing that can be cancelled comes after the COMMIT: its outcome is to be reported.
            return await self._run()
        except BaseException as error:
            await self.clean_up(error)
            raise
        finally:
            looking.stop()
            self.tell_started()

    async def clean_up(self, error: BaseException) -> None:
        """Roll back what an error has stopped.

        Raises:
            HistoryMovedError: Steps that were finished before are gone with it.
        """
        await self._desk.sweep(self._give_up)
        if isinstance(error, Exception):  # a cancellation goes on; the flush will tell
            self._desk.shared.refuse_lost()

    async def _run(self) -> HistoryEntry:
        try:
            return await self._body.run(self)
        except ClosedError as error:
            raise self._lost("it closed the connection") from error
        finally:
            self._desk.is_used |= self.authorizer.leaves_state

    def tell_started(self) -> None:
        """Tell that the step has started, if it has, once."""
        if self._began is not None and not self._is_told:
            self._is_told = True
            self._events.on_started()

    # --- in the thread --------------------------------------------------------------------------

    def begin(self, raw: Raw) -> None:
        """Take the turn: the fence, and the row where something could come between."""
        if self._keys:
            self._keys.turn_off(raw)
        fence = self._desk.fence
        refuse_moved = fence.refuse_moved_inside if raw.in_transaction else fence.refuse_moved
        self._transaction.begin(raw)
        refuse_moved(raw, self._planned)
        self._open(raw)

    def begin_again(self, raw: Raw, error: Exception) -> None:
        """Undo what the step has done, and take the turn anew.

        Raises:
            MigrationFailedError: The other steps of a single transaction are gone with it.
        """
        self.authorizer.remove(raw)
        self._transaction.begin_again(raw)
        if not raw.in_transaction:
            raise self._failed(str(error)) from error
        self._desk.fence.refuse_moved(raw, self._planned)
        self._open(raw)

    def _open(self, raw: Raw) -> None:
        if self._keys:
            self._keys.note_violations(raw)
        if self._opens_row:
            write(raw, *self._row.opening())
        self.authorizer.install(raw)
        self._clock = time.monotonic()
        self._began = now()

    def finish(self, raw: Raw) -> HistoryEntry:
        """Write the end of the row: the outcome of the step, but for the COMMIT."""
        self.authorizer.remove(raw)
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
        spent = round((time.monotonic() - self._clock) * 1000)
        if self._opens_row:
            write(raw, *self._row.closing(spent))
            return read_entry(raw, self._desk.table, self._row.id)
        entry, commands = self._row.at_once(self._began or now(), now(), spent)
        write(raw, *commands)
        return entry

    def commit(self, raw: Raw) -> None:
        """Make it stand."""
        try:
            self._transaction.commit(raw)
        except DriverError as error:
            if is_busy(error):
                raise
            raise self._failed(str(error)) from error
        if self.authorizer.touches_history:
            self._desk.fence.forget()
        else:
            self._desk.fence.note(raw, self._row.closed)
        if self._keys:
            self._keys.restore(raw)

    def _give_up(self, raw: Raw) -> None:
        self.authorizer.remove(raw)
        self._transaction.roll_back(raw)
        if self._keys:
            self._keys.restore(raw)

    # --- what went wrong ------------------------------------------------------------------------

    def _failed(self, why: str) -> MigrationFailedError:
        return failed_as_a_whole(self._step, why)

    def _lost(self, why: str) -> TransactionLostError:
        return transaction_lost(self._step, why)


def transaction_lost(step: Step, why: str) -> TransactionLostError:
    """Return the error for a step of which not all may be rolled back."""
    return TransactionLostError(
        f"migration {step.key} lost the transaction that it ran in: {why}",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint="look at what it has done: not all of it may be rolled back",
    )


class Looking:
    """Looks every now and then, in the event loop, until it is stopped.

    For the thread to wake up the loop costs about as much as a small migration does.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_LOOK_EVERY, self._again)

    def _again(self) -> None:
        self._look()
        self._timer = self._loop.call_later(_LOOK_EVERY, self._again)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()


def failed_as_a_whole(step: Step, why: str) -> MigrationFailedError:
    """Return the error for what no single statement is to blame for."""
    path = step.script.path
    return MigrationFailedError(
        f"migration {step.key} failed ({path}): {why}",
        version=step.key,
        direction=step.direction,
        file=path,
    )
