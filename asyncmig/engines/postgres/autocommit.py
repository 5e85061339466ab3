"""Run a step outside a transaction, unit by unit, so that a later run can go on where it stopped.

A unit that may run in a transaction commits together with its progress. For one that may not
(``CREATE INDEX CONCURRENTLY``) ``started`` is written first; if the run dies before it is known to
be done, the catalogue is asked what became of it, or else a person is. Which of the two it is
cannot always be read: a procedure that commits is refused in the transaction, and sent again
without.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio.to_thread

from asyncmig.engines.postgres import leftovers
from asyncmig.engines.postgres.book import entry_of
from asyncmig.engines.postgres.concurrently import is_concurrent, work_of
from asyncmig.engines.postgres.leftovers import Fate
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.patience import patiently
from asyncmig.engines.postgres.refusals import FenceTakenError
from asyncmig.engines.postgres.resume import (
    in_doubt,
    is_repeatable,
    keeps_state,
    may_commit,
    progress_of,
    refuse_progress,
    units_left,
    wants_no_transaction,
)
from asyncmig.engines.postgres.running import loaded_function, run_function, run_statements
from asyncmig.engines.postgres.settings import TIDY
from asyncmig.engines.postgres.unhurried import Unhurried
from asyncmig.engines.postgres.watch import Watch
from asyncmig.engines.python_script import run_setup
from asyncmig.engines.statements import prepare
from asyncmig.errors import (
    DatabaseUnavailableError,
    DirectConnectionRequiredError,
    MigrationFailedError,
)
from asyncmig.history import Progress
from asyncmig.migration import SqlScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.concurrently import Work
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step
    from asyncmig.sql import Statement


async def apply_python(
    desk: Desk, step: Step, planned: Generation, events: StepEvents
) -> HistoryEntry:
    """Run a Python migration that wants no transaction.

    If it stops in the middle, a person is asked: its row has no progress to go on from.
    """
    refuse_progress(step)
    visit = _Visit(desk, step, events)
    async with loaded_function(step) as function, visit.tidied():
        await visit.enter(planned, progress=None)
        await run_function(desk.wire, step, function)
        await _refuse_open_transaction(desk, step)
    return await visit.leave()


async def _refuse_open_transaction(desk: Desk, step: Step) -> None:
    if not desk.wire.is_in_transaction:
        return
    await desk.wire.end_transaction()
    raise MigrationFailedError(
        f"migration {step.key} left a transaction open, which was rolled back ({step.script.path})",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint="end what it begins: `async with connection.transaction(): …`",
    )


async def apply_sql(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a SQL migration that wants no transaction, from where an earlier run stopped."""
    script = step.script
    assert isinstance(script, SqlScript)  # noqa: S101 - the session sends nothing else here
    if prepared is None:
        prepared = await anyio.to_thread.run_sync(prepare, script, Dialect.POSTGRESQL, step.key)
    before, left = progress_of(step), units_left(step, prepared.units)
    visit = _Visit(desk, step, events)
    async with visit.tidied():
        await visit.enter(planned, progress=before)
        await visit.replay(prepared.units[: len(before.done)])
        for unit in left:
            await visit.run(unit)
    return await visit.leave()


class _Visit:
    """The course of one migration without a transaction."""

    def __init__(self, desk: Desk, step: Step, events: StepEvents) -> None:
        self._desk = desk
        self._step = step
        self._events = events
        self._limits = limits_of(desk.settings, step.script)
        self._entry_id = 0
        self._progress = Progress()
        self._began = time.monotonic()

    async def enter(self, planned: Generation, *, progress: Progress | None) -> None:
        """Leave a trace in the history, committed, before any side effect.

        Raises:
            DirectConnectionRequiredError: A pooler stands between.
            FenceTakenError: The lock has to be taken again first.
        """
        desk, step = self._desk, self._step
        if not desk.mutex.outlives_transactions:
            raise DirectConnectionRequiredError(version=step.key, file=step.script.path)
        if not await desk.mutex.is_held(desk.wire):  # an earlier file may have let go of it
            raise FenceTakenError
        self._progress = progress or Progress()
        self._entry_id = desk.entry_id(step, planned)
        trace = desk.book.opening(step, self._entry_id, progress)
        async with desk.transaction(planned, trace):
            pass
        await desk.wire.execute(desk.stepwise_settings(step.script))
        self._events.on_started()
        await run_setup(desk.settings.setup, desk.wire.raw)

    async def replay(self, done: Sequence[Unit]) -> None:
        """Set again what the finished part of the file had set for the desk."""
        for unit in done:
            for statement in filter(keeps_state, unit.statements):
                await self._desk.wire.execute(statement.text)

    async def run(self, unit: Unit) -> None:
        """Run one unit and write down that it is done.

        What an earlier run has started without a transaction was found to want none.
        """
        await self._refuse_lost_lock()
        is_outside = unit.autocommit or self._progress.started == unit.checksum
        if is_outside or not await self._fits_inside(unit):
            await self._run_outside(unit)
        self._progress = self._after(unit)

    async def _refuse_lost_lock(self) -> None:
        if not await self._desk.mutex.is_held(self._desk.wire):
            message = "the lock was lost in the middle of a migration without a transaction"
            raise DatabaseUnavailableError(message, hint="run again: it goes on where it stopped")

    async def _fits_inside(self, unit: Unit) -> bool:
        """Run a unit in a transaction, unless the server says that this one wants none."""
        attempts = self._limits.attempts
        try:
            await patiently(lambda: self._run_inside(unit), self._events, attempts=attempts)
        except MigrationFailedError as error:
            if not wants_no_transaction(unit, error.sqlstate):
                raise
            await self._refuse_lost_lock()  # the attempt may have taken its time
            return False
        return True

    def _after(self, unit: Unit) -> Progress:
        return Progress((*self._progress.done, unit.checksum))

    async def _run_inside(self, unit: Unit) -> None:
        async with self._desk.transaction():
            async with self._watched(self._limits.lock_timeout):
                await self._send(unit)
            await self._desk.wire.execute(self._note(self._after(unit)))

    async def _run_outside(self, unit: Unit) -> None:
        (statement,) = unit.statements
        if self._progress.started != unit.checksum or not await self._is_done(statement):
            await self._commit_note(replace(self._progress, started=unit.checksum))
            await self._send_outside(unit, statement)
        await self._commit_note(self._after(unit))

    async def _send_outside(self, unit: Unit, statement: Statement) -> None:
        """Send it. What the server refuses counts as not started.

        Unless it may have left something that nobody knows how to look for. What may have committed
        a part of its work is not tried again either: that part would be done twice.
        """
        work, attempts = work_of(statement), self._limits.attempts
        try:
            if is_concurrent(statement):
                await self._send_concurrently(unit, work)
            elif may_commit(statement):
                await self._send_alone(unit)
            else:
                await patiently(lambda: self._send_alone(unit), self._events, attempts=attempts)
        except MigrationFailedError:
            if work is not None or not (is_concurrent(statement) or may_commit(statement)):
                await self._commit_note(Progress(self._progress.done))
            raise

    async def _send_alone(self, unit: Unit) -> None:
        """Send what keeps others from the table that it waits for, so it must not wait for long."""
        async with self._unhurried(concurrent=False), self._watched(self._limits.lock_timeout):
            await self._send(unit)

    async def _send_concurrently(self, unit: Unit, work: Work | None) -> None:
        wire = self._desk.wire
        async with (
            self._unhurried(concurrent=True),
            self._watched(None),
            leftovers.whole(wire, self._step, work),
        ):
            if not await leftovers.finish_detaching(wire, self._step, work):
                await self._send(unit)

    def _watched(self, lock_timeout: float | None) -> Watch:
        return Watch(self._desk, lock_timeout, self._events.on_waiting)

    def _unhurried(self, *, concurrent: bool) -> Unhurried:
        return Unhurried(self._desk.wire, self._limits, concurrent=concurrent)

    async def _send(self, unit: Unit) -> None:
        script = self._step.script
        assert isinstance(script, SqlScript)  # noqa: S101 - only SQL has units
        await run_statements(self._desk.wire, self._step, script, unit.statements)

    async def _is_done(self, statement: Statement) -> bool:
        """Find out what became of a statement that was started and not seen to finish.

        Raises:
            IncompleteMigrationError: That cannot be found out.
        """
        work = work_of(statement)
        fate = Fate.UNKNOWN if work is None else await leftovers.fate_of(self._desk.wire, work)
        if fate is not Fate.UNKNOWN:
            return fate is Fate.DONE
        if is_repeatable(statement):
            return False
        raise in_doubt(self._step, statement)

    @asynccontextmanager
    async def tidied(self) -> AsyncGenerator[None]:
        """Undo afterwards what the file left on the connection, also when it failed.

        After anything else, a cancellation for one, the connection is not used any more.
        """
        try:
            yield
        except MigrationFailedError:
            if self._desk.wire.is_in_transaction:
                await self._desk.wire.end_transaction()
            if self._desk.wire.is_usable:
                await self._tidy()
            raise
        await self._tidy()

    async def _tidy(self) -> None:
        if self._desk.wire.lent:
            await self._desk.restore()
        else:
            await self._desk.wire.execute(f"{TIDY} {self._desk.server.settings}")

    async def leave(self) -> HistoryEntry:
        """Finish the row.

        Nothing that can be cancelled comes after the COMMIT: its outcome is to be reported.
        """
        book, entry_id = self._desk.book, self._entry_id
        duration_ms = round((time.monotonic() - self._began) * 1000)
        first, finish = book.closing(self._step, entry_id, str(duration_ms))
        async with self._desk.transaction(None, first, finish) as (row,):
            return entry_of(row)

    async def _commit_note(self, progress: Progress) -> None:
        async with self._desk.transaction(None, self._note(progress)):
            pass

    def _note(self, progress: Progress) -> str:
        """Write the progress, as the role that we came as: the file may be another one by now."""
        return f"{self._desk.ourselves} {self._desk.book.note(self._entry_id, progress)}"
