"""Run a step in batches: each in a transaction of its own, together with how far it got.

What was committed is in the row, and nowhere else: each batch reads it inside its transaction,
under the fence. Behind a pooler, where the lock ends with each transaction, two runners may so take
turns, and no batch is done twice.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from asyncmig.batching import Batch
from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.batching import (
    Outcome,
    Table,
    Taken,
    cursor_of,
    goes_on,
    in_batches,
    outcome_of,
    pause,
    resumable,
)
from asyncmig.engines.long_script import sql_of
from asyncmig.engines.postgres.begun import BEGUN
from asyncmig.engines.postgres.book import entry_of
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.ending import Ending, connection_closed, server_failed
from asyncmig.engines.postgres.lent import BELONGINGS, belongings_of, restoring
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.lost_commit import is_committed
from asyncmig.engines.postgres.patience import patiently
from asyncmig.engines.postgres.reckoning import reckon, wait_for_replicas
from asyncmig.engines.postgres.running import (
    loaded_function,
    prepared_of,
    refused,
    run_function,
)
from asyncmig.engines.postgres.settings import CHECK_DEFERRED, TIDY
from asyncmig.engines.postgres.transaction import NestableTransaction, Transaction
from asyncmig.engines.postgres.watch import watched
from asyncmig.engines.python_script import run_setup
from asyncmig.errors import DatabaseUnavailableError
from asyncmig.history import Generation, Progress
from asyncmig.migration import PythonScript, checksum
from asyncmig.sql import Dialect, with_batch_size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.running import MigrationFunction
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import Batching, SqlScript
    from asyncmig.plan import Step


async def apply(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a step batch by batch; one that has to wait for a lock too long is tried again alone."""
    batching = step.script.batching
    assert batching is not None  # noqa: S101 - this is where those go that have one
    async with _work_of(step, prepared) as work:
        course = _Course(desk, step, planned, events, work)
        table = await work.reckon(desk)
        start = await course.enter()
        return await in_batches(
            step,
            batching,
            start=start,
            table=table,
            take=course.take,
            rest=lambda tell: _rest(desk, batching, tell),
            events=events,
        )


async def _rest(desk: Desk, batching: Batching, tell: Callable[[str], None]) -> None:
    """Wait for what the next batch has to wait for; in no transaction."""
    await pause(batching.pause or 0.0)
    if batching.replica_lag is not None:
        await wait_for_replicas(desk, batching.replica_lag, tell)


# --- what runs again and again ----------------------------------------------------------------


class _Work(Protocol):
    """What is run for each batch.

    Attributes:
        checksum: Of what is run, to know it again.
    """

    checksum: str

    async def reckon(self, desk: Desk) -> Table:
        """Ask the server how much there is to do."""
        ...

    async def run(self, wire: Wire, before: Progress, size: int) -> Outcome:
        """Run it once, inside the transaction of a batch.

        Raises:
            MigrationFailedError: It failed.
        """
        ...


@asynccontextmanager
async def _work_of(step: Step, prepared: Prepared | None) -> AsyncGenerator[_Work]:
    """Get ready what runs for each batch, off the event loop."""
    script = step.script
    if isinstance(script, PythonScript):
        async with loaded_function(step) as function:
            yield _Python(step, script, function)
        return
    script = sql_of(script)
    prepared = prepared or await prepared_of(script, step.key)
    yield _Sql(step, script, prepared.units[0])


class _Sql:
    """The one statement of a SQL script."""

    def __init__(self, step: Step, script: SqlScript, unit: Unit) -> None:
        self._step = step
        self._script = script
        (self._statement,) = unit.statements
        self.checksum = unit.checksum

    async def reckon(self, desk: Desk) -> Table:
        """Ask the planner."""
        return await reckon(desk, self._step.script, self._statement)

    async def run(self, wire: Wire, before: Progress, size: int) -> Outcome:
        """Run the statement; the last batch is the one that finds nothing to change."""
        del before
        text = with_batch_size(self._statement, Dialect.POSTGRESQL, size)
        try:
            tag = await wire.command_tag(text)
        except ServerError as error:
            place = error.position or 0
            raise refused(self._step, self._script, self._statement, place, error) from error
        rows = int(tag.rpartition(" ")[2])
        return Outcome(rows == 0, rows)


class _Python:
    """The function of a Python script."""

    def __init__(self, step: Step, script: PythonScript, function: MigrationFunction) -> None:
        self._step = step
        self._function = function
        self.checksum = checksum(script.source)

    async def reckon(self, desk: Desk) -> Table:
        """Know nothing: nobody can see what it is going to do."""
        del desk
        return Table()

    async def run(self, wire: Wire, before: Progress, size: int) -> Outcome:
        """Await the function; the last batch is the one that returns no cursor."""
        returned: object = None

        async def call(connection: Any) -> None:  # noqa: ANN401 - the driver's own
            nonlocal returned
            returned = await self._function(Batch(connection, cursor_of(before), size))

        await run_function(wire, self._step, call)
        if wire.is_closed:
            raise connection_closed(self._step)
        return outcome_of(self._step, before, returned)


# --- one transaction after the other ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stay:
    """What is known of a transaction of ours once it is entered.

    Attributes:
        progress: How far the migration is.
        before: What the application that lends the connection has set on it; ``None`` for a
            connection of our own.
    """

    progress: Progress
    before: Belongings | None


class _Course:
    """The course of one migration in batches."""

    def __init__(
        self, desk: Desk, step: Step, planned: Generation, events: StepEvents, work: _Work
    ) -> None:
        self._desk = desk
        self._step = step
        self._planned = planned
        self._events = events
        self._work = work
        self._entry_id = desk.entry_id(step, planned)
        self._limits = limits_of(desk.settings, step.script)

    async def enter(self) -> Progress:
        """Leave a trace in the history, committed, before any side effect; say where to go on."""
        desk, step, entry_id = self._desk, self._step, self._entry_id
        query = None if step.resumes is None else desk.book.row(entry_id)
        async with desk.transaction(self._planned, query=query) as rows:
            found = entry_of(rows[0]) if rows else None
            start = resumable(step, self._work.checksum, found)
            await desk.wire.execute(desk.book.opening(step, entry_id, start))
        self._events.on_started()
        return start

    @property
    def _opened(self) -> Generation:
        """The generation of the history while the row is unfinished."""
        if self._step.resumes is not None:
            return self._planned
        return Generation(self._entry_id, self._planned.unfinished + 1)

    async def take(self, size: int) -> Taken:
        """Run one batch and commit it with its progress; the last one finishes the row."""
        attempts = self._limits.attempts
        return await patiently(lambda: self._once(size), self._events, attempts=attempts)

    async def _once(self, size: int) -> Taken:
        began = time.monotonic()
        transaction = self._transaction()
        try:
            stay = await self._enter(transaction)
            await run_setup(self._desk.settings.setup, self._desk.wire.raw)
            async with watched(self._desk, self._limits.lock_timeout, self._events.on_waiting):
                outcome = await self._work.run(self._desk.wire, stay.progress, size)
                spent = time.monotonic() - began
                progress = outcome.progress(stay.progress, size=size, seconds=spent)
                entry = await self._finish(stay, progress, is_last=outcome.is_last)
        except BaseException:
            await transaction.roll_back()
            raise
        await self._commit(transaction, entry)
        return Taken(entry, outcome, time.monotonic() - began)

    def _transaction(self) -> Transaction:
        """Return a transaction, a nestable one where the application's code gets the connection."""
        if not isinstance(self._step.script, PythonScript) and self._desk.settings.setup is None:
            return Transaction(self._desk.wire)
        return NestableTransaction(self._desk.wire)

    async def _enter(self, transaction: Transaction) -> _Stay:
        """Begin; make sure that nobody else is in; read how far it is.

        Then take that away until the batch is done: a COMMIT of the author's own would else leave
        a batch behind that is done again. So it leaves a row that only a person can decide about.
        """
        desk, before = self._desk, None
        settings, row = desk.transaction_settings(self._step.script), desk.book.row(self._entry_id)
        if desk.wire.lent:
            before = belongings_of(await desk.enter(transaction, self._opened, query=BELONGINGS))
            (found,) = await desk.wire.fetch(row, after=settings)
        else:
            (found,) = await desk.enter(transaction, self._opened, settings, row)
        entry = entry_of(found)
        if entry.progress is None or not goes_on(entry, self._step, self._work.checksum):
            raise HistoryMovedError
        await desk.wire.execute(f"{desk.book.doubt(self._entry_id)}{BEGUN}")
        return _Stay(entry.progress, before)

    async def _finish(self, stay: _Stay, progress: Progress, *, is_last: bool) -> HistoryEntry:
        """If the transaction is still ours, tidy up and write down how far it is now."""
        desk, step = self._desk, self._step
        note, row = desk.book.note(self._entry_id, progress), desk.book.row(self._entry_id)
        if is_last and progress.batches is not None:
            spent = str(progress.batches.spent_ms)
            first, row = desk.book.closing(step, self._entry_id, spent)
            note += first
        if stay.before is None:
            ending = Ending(f"{TIDY} {desk.server.settings} {note}", row)
            (found,) = await ending.follow(desk.wire, step)
            return entry_of(found)
        now = belongings_of(await Ending(CHECK_DEFERRED, BELONGINGS).follow(desk.wire, step))
        try:
            (found,) = await desk.wire.fetch(row, after=f"{restoring(stay.before, now)} {note}")
        except ServerError as error:
            raise server_failed(step, error) from error
        return entry_of(found)

    async def _commit(self, transaction: Transaction, entry: HistoryEntry) -> None:
        """Send COMMIT and wait for the answer, also when this task is being cancelled.

        A connection that is lost here leaves both outcomes possible, so the row is looked for.
        """
        try:
            await transaction.commit()
        except ServerError as error:
            await transaction.roll_back()
            raise server_failed(self._step, error) from error
        except ConnectionLostError as error:
            if not await is_committed(self._desk, entry):
                message = (
                    f"the connection was lost in COMMIT; the batch of migration {self._step.key} "
                    "was looked up afterwards and is not there"
                )
                hint = "run again: it goes on behind the last batch"
                raise DatabaseUnavailableError(message, hint=hint) from error
