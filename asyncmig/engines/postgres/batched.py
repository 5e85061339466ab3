"""Run a step in batches: each in a transaction of its own, together with how far it got.

What was committed is in the row, and nowhere else: each batch reads it inside its transaction,
under the fence. Behind a pooler, where the lock ends with each transaction, two runners may so take
turns, and no batch is done twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.batching import Taken, goes_on, in_batches, pause, resumable
from asyncmig.engines.postgres.batches import work_of
from asyncmig.engines.postgres.begun import BEGUN
from asyncmig.engines.postgres.book import entry_of
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.ending import Ending, server_failed
from asyncmig.engines.postgres.lent import BELONGINGS, belongings_of, restoring
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.lost_commit import is_committed
from asyncmig.engines.postgres.observation import observed
from asyncmig.engines.postgres.patience import patiently
from asyncmig.engines.postgres.reckoning import wait_for_replicas
from asyncmig.engines.postgres.settings import CHECK_DEFERRED, TIDY
from asyncmig.engines.postgres.sightings import with_batch
from asyncmig.engines.postgres.transaction import NestableTransaction, Transaction
from asyncmig.engines.postgres.verdict import judge
from asyncmig.engines.postgres.watch import Watch
from asyncmig.engines.python_script import run_setup
from asyncmig.errors import DatabaseUnavailableError
from asyncmig.history import Generation
from asyncmig.migration import PythonScript

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.batches import Work
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.observation import Observation
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import HistoryEntry, Progress
    from asyncmig.locks import LockReport
    from asyncmig.migration import Batching
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
    async with work_of(step, prepared) as work:
        course = _Course(desk, step, planned, events, work)
        table = await work.reckon(desk)
        start = await course.enter()
        try:
            return await in_batches(
                step,
                batching,
                start=start,
                table=table,
                take=course.take,
                rest=lambda tell: _rest(desk, batching, tell),
                events=events,
            )
        finally:
            course.tell_locks()


async def _rest(desk: Desk, batching: Batching, tell: Callable[[str], None]) -> None:
    """Wait for what the next batch has to wait for; in no transaction."""
    await pause(batching.pause or 0.0)
    if batching.replica_lag is not None:
        await wait_for_replicas(desk, batching.replica_lag, tell)


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
        self, desk: Desk, step: Step, planned: Generation, events: StepEvents, work: Work
    ) -> None:
        self._desk = desk
        self._step = step
        self._planned = planned
        self._events = events
        self._work = work
        self._entry_id = desk.entry_id(step, planned)
        self._limits = limits_of(desk.settings, step.script)
        self._locks: LockReport | None = None

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
            observation = await observed(self._desk)
            async with Watch(self._desk, self._limits.lock_timeout, self._events.on_waiting):
                outcome = await self._work.run(self._desk.wire, stay.progress, size, observation)
                spent = time.monotonic() - began
                progress = outcome.progress(stay.progress, size=size, seconds=spent)
                entry = await self._finish(stay, progress, is_last=outcome.is_last)
            if observation is not None:
                await self._judge(observation, is_last=outcome.is_last)
        except BaseException:
            await transaction.roll_back()
            raise
        await self._commit(transaction, entry)
        return Taken(entry, outcome, time.monotonic() - began)

    async def _judge(self, observation: Observation, *, is_last: bool) -> None:
        """Look for the last time, and refuse the batch if it did what it must not."""
        report = await observation.report()
        self._locks = with_batch(self._locks, report, is_last=is_last)
        judge(self._step, observation.policy, report)

    def tell_locks(self) -> None:
        """Tell what the batches have locked, once, however they ended: a thousand would flood."""
        if self._locks is not None:
            self._events.on_locks(self._locks)

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
            if not await is_committed(self._desk, [entry]):
                message = (
                    f"the connection was lost in COMMIT; the batch of migration {self._step.key} "
                    "was looked up afterwards and is not there"
                )
                hint = "run again: it goes on behind the last batch"
                raise DatabaseUnavailableError(message, hint=hint) from error
