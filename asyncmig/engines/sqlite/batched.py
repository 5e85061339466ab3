"""Run a step in batches: each in a ``BEGIN IMMEDIATE`` of its own, together with how far it got.

Between two of them applications get their turn to write. What was committed is in the row, and
nowhere else: each batch reads it inside its transaction.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.batching import Outcome, Taken, goes_on, in_batches, pause, resumable
from asyncmig.engines.sqlite.applying import failed_as_a_whole, transaction_lost
from asyncmig.engines.sqlite.authorizer import Authorizer
from asyncmig.engines.sqlite.batches import work_of
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.records import (
    read_entry,
    refuse_moved,
    roll_back,
    transaction,
    write,
)
from asyncmig.engines.sqlite.row import RowOfStep
from asyncmig.engines.sqlite.shared import Alone
from asyncmig.history import Progress

if TYPE_CHECKING:
    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.batching import Table
    from asyncmig.engines.sqlite.batches import Batch, Work
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step

_PAUSE = 0.12
"""Seconds between two batches: an application that waits for its turn looks again at least every
0.1 s (``sqliteDefaultBusyCallback`` in SQLite's main.c)."""


async def apply_in_batches(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a step batch by batch.

    Raises:
        HistoryMovedError: Somebody else has been at the history.
        IncompleteMigrationError: Earlier batches ran something else.
        MigrationFailedError: A batch failed and was rolled back; those before it stay.
        DatabaseBusyError: An application was writing for longer than the budget.
    """
    batching = step.script.batching
    assert batching is not None  # noqa: S101 - this is where those go that have one
    seconds = _PAUSE if batching.pause is None else batching.pause
    async with work_of(step, prepared) as work:
        course = _Course(desk, step, planned, events, work)
        start = await course.enter()
        table = await course.reckon()
        return await in_batches(
            step,
            batching,
            start=start,
            table=table,
            take=course.take,
            rest=lambda _tell: pause(seconds),
            events=events,
        )


class _Course:
    """The course of one migration in batches."""

    def __init__(
        self, desk: Desk, step: Step, planned: Generation, events: StepEvents, work: Work
    ) -> None:
        self._desk = desk
        self._events = events
        self._work = work
        self._row = RowOfStep(step, planned, desk.table, desk.runner)
        self._authorizer = Authorizer(desk.table.name)
        self._has_begun = False

    async def enter(self) -> Progress:
        """Leave a trace in the history, committed, before any side effect; say where to go on."""
        desk = self._desk
        await desk.patiently(lambda: desk.lay_out(Alone()))
        start = await desk.patiently(lambda: desk.worker.run(self._open))
        self._events.on_started()
        return start

    def _open(self, raw: Raw) -> Progress:
        row = self._row
        with transaction(raw):
            refuse_moved(raw, row.table, row.planned)
            found = None if row.step.resumes is None else read_entry(raw, row.table, row.id)
            start = resumable(row.step, self._work.checksum, found)
            write(raw, *row.opening(start), row.noting(start))
        return start

    async def reckon(self) -> Table:
        """Look how much there is to do."""
        return await self._desk.patiently(lambda: self._desk.worker.run(self._work.reckon))

    async def take(self, size: int) -> Taken:
        """Run one batch and commit it with its progress; the last one finishes the row."""
        return await self._desk.patiently(lambda: self._once(size), on_retrying=self._on_retrying)

    def _on_retrying(self, attempt: int, seconds: float, reason: str) -> None:
        """Pass on that a batch was rolled back. Waiting for its turn is no news."""
        if self._has_begun:
            self._events.on_retrying(attempt, seconds, reason, ())

    async def _once(self, size: int) -> Taken:
        desk = self._desk
        if desk.is_used:  # by a try that failed
            await desk.lay_out(Alone())
        turn = _Turn(desk.worker, self._authorizer, self._row, self._work, size)
        try:
            taken = await turn.take()
        except ClosedError as error:
            desk.is_used = True
            raise failed_as_a_whole(self._row.step, "it closed the connection") from error
        except BaseException:
            self._has_begun = turn.has_begun
            await desk.sweep(turn.give_up)
            raise
        if taken.outcome.is_last:
            desk.is_used = self._authorizer.leaves_state
        return taken


class _Turn:
    """One batch, in its transaction.

    Attributes:
        worker: The connection, and its thread.
        authorizer: Asked while the code of the migration runs.
    """

    def __init__(
        self, worker: Worker, authorizer: Authorizer, row: RowOfStep, work: Work, size: int
    ) -> None:
        self.worker = worker
        self.authorizer = authorizer
        self._row = row
        self._checksum = work.checksum
        self._batch: Batch = work.batch(size)
        self._size = size
        self._began = 0.0
        self._progress = Progress()
        self._outcome = Outcome(is_last=True)

    @property
    def has_begun(self) -> bool:
        """Whether it had its turn, however that ended."""
        return self._began > 0

    async def take(self) -> Taken:
        """Run the batch once.

        Raises:
            DriverError: The database itself; a busy one may be tried again.
        """
        entry = await self._batch.body.run(self)
        return Taken(entry, self._outcome, time.monotonic() - self._began)

    def tell_started(self) -> None:
        """Tell nothing: that was told before the first batch."""

    # --- in the thread --------------------------------------------------------------------------

    def begin(self, raw: Raw) -> None:
        """Take the turn: the fence, and how far the migration is."""
        raw.execute("BEGIN IMMEDIATE")
        self._began = time.monotonic()
        refuse_moved(raw, self._row.table, self._row.opened)
        entry = read_entry(raw, self._row.table, self._row.id)
        if entry.progress is None or not goes_on(entry, self._row.step, self._checksum):
            raise HistoryMovedError
        self._progress = entry.progress
        self._batch.begin(raw, entry.progress)
        self.authorizer.install(raw)

    def finish(self, raw: Raw) -> HistoryEntry:
        """Write down how far it is now: the outcome of the batch, but for the COMMIT."""
        self.authorizer.remove(raw)
        if not raw.in_transaction:
            self._leave_in_doubt(raw)
        self._outcome = self._batch.outcome(raw)
        seconds = time.monotonic() - self._began
        progress = self._outcome.progress(self._progress, size=self._size, seconds=seconds)
        write(raw, self._row.noting(progress))
        if self._outcome.is_last and progress.batches is not None:
            write(raw, *self._row.closing(progress.batches.spent_ms))
        return read_entry(raw, self._row.table, self._row.id)

    def _leave_in_doubt(self, raw: Raw) -> NoReturn:
        """Have a person look: what followed a rollback was committed by itself.

        Raises:
            TransactionLostError: Always.
        """
        write(raw, self._row.noting(None))
        raise transaction_lost(
            self._row.step, "a conflict rolled it back in the middle, and it went on"
        )

    def commit(self, raw: Raw) -> None:
        """Make it stand."""
        try:
            raw.execute("COMMIT")
        except DriverError as error:
            if is_busy(error):
                raise
            raise failed_as_a_whole(self._row.step, str(error)) from error

    def give_up(self, raw: Raw) -> None:
        """Leave nothing of it."""
        self.authorizer.remove(raw)
        roll_back(raw)
