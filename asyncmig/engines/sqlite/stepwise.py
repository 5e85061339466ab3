"""Run a step that its author took out of the transaction (``transaction:false``).

Its row is committed first, in state ``applying``. A unit of a SQL script that may run in a
transaction commits together with the note that it is done. For the others ``started`` is noted
first; all that SQLite keeps out of transactions (VACUUM, pragmas, DETACH) can be repeated after a
kill. A Python migration leaves no such notes: one that stops in the middle is for a person.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from asyncmig.engines.long_script import sql_of
from asyncmig.engines.python_script import python_failed
from asyncmig.engines.sqlite.applying import failed_as_a_whole
from asyncmig.engines.sqlite.authorizer import Authorizer
from asyncmig.engines.sqlite.bodies import (
    RefusedError,
    execute,
    prepared_of,
    python_function,
    refused_statement,
)
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.foreign_keys import ForeignKeysOff, ViolationsError
from asyncmig.engines.sqlite.records import (
    read_entry,
    refuse_moved,
    roll_back,
    transaction,
    write,
)
from asyncmig.engines.sqlite.resume import keeps_state, runs_alone, units_left
from asyncmig.engines.sqlite.row import RowOfStep
from asyncmig.engines.sqlite.shared import Alone
from asyncmig.history import Progress
from asyncmig.migration import PythonScript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.sqlite.connection import Driver, Raw, Worker
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.migration import SqlScript
    from asyncmig.plan import Step


_AUTHORS_WAIT_MS = 2000
"""Milliseconds that SQLite waits for an application in front of a statement of such a Python
migration, which nobody can try again. Nothing interrupts that, so it is less than a cancellation
may take."""


async def apply_step_by_step(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a step without a transaction around it.

    Raises:
        HistoryMovedError: The history has moved on; nothing was run.
        IncompleteMigrationError: It cannot be told where to go on.
        MigrationFailedError: It failed; what it did before is there, and the history says so.
    """
    row = OpenRow(desk, step, planned)
    if isinstance(step.script, PythonScript):
        return await _run_python(desk, row, step.script, events)
    prepared = prepared or await prepared_of(step, sql_of(step.script))
    return await Walk(desk, row, prepared, events).go()


class OpenRow:
    """The row of a step that runs without a transaction. Its methods run in the thread."""

    def __init__(self, desk: Desk, step: Step, planned: Generation) -> None:
        self.step = step
        self._row = RowOfStep(step, planned, desk.table, desk.runner)
        self._began = time.monotonic()

    def open(self, raw: Raw, progress: Progress | None) -> None:
        """Write the row, or take over the one that the last run has left."""
        with transaction(raw):
            refuse_moved(raw, self._row.table, self._row.planned)
            write(raw, *self._row.opening(progress))

    def note(self, raw: Raw, progress: Progress) -> None:
        """Say how far it got. Call it inside a transaction.

        Raises:
            HistoryMovedError: Somebody else has been at the history.
        """
        refuse_moved(raw, self._row.table, self._row.opened)
        write(raw, self._row.noting(progress))

    def close(self, raw: Raw) -> HistoryEntry:
        """Finish the row."""
        spent = round((time.monotonic() - self._began) * 1000)
        with transaction(raw):
            refuse_moved(raw, self._row.table, self._row.opened)
            write(raw, *self._row.closing(spent))
            return read_entry(raw, self._row.table, self._row.id)


class Walk:
    """The way through the units of a SQL script."""

    def __init__(self, desk: Desk, row: OpenRow, prepared: Prepared, events: StepEvents) -> None:
        self._desk = desk
        self._row = row
        self._script: SqlScript = prepared.script
        self._events = events
        self._units = prepared.units
        self._left = units_left(prepared.units, row.step)
        self._keys = None if prepared.foreign_keys else ForeignKeysOff()
        self._authorizer = Authorizer(desk.table.name)

    async def go(self) -> HistoryEntry:
        """Run what is left of the script."""
        desk = self._desk
        await desk.patiently(lambda: desk.lay_out(Alone()))
        worker = desk.worker
        desk.is_used = True
        try:
            await desk.patiently(lambda: worker.run(self._row.open, Progress()))
            self._events.on_started()
            await worker.run(self._restore_state)
            for number in range(len(self._units) - self._left, len(self._units)):
                await self._run(number)
            return await desk.patiently(lambda: worker.run_to_end(self._close))
        except BaseException as error:
            await desk.sweep(self._give_up)
            if isinstance(error, ViolationsError):
                raise failed_as_a_whole(self._row.step, str(error)) from error
            raise

    async def _run(self, number: int) -> None:
        unit = self._units[number]
        done = tuple(unit.checksum for unit in self._units[:number])
        work = self._alone if runs_alone(unit) else self._together
        step, script = self._row.step, self._script
        try:
            await self._desk.patiently(
                lambda: self._desk.worker.run(work, unit, done),
                on_retrying=lambda attempt, pause, why: self._events.on_retrying(
                    attempt, pause, why, ()
                ),
            )
        except RefusedError as refused:
            raise refused_statement(step, script, refused) from refused.__cause__

    # --- in the thread --------------------------------------------------------------------------

    def _restore_state(self, raw: Raw) -> None:
        """Make the session what it was when the last run stopped."""
        if self._keys:
            self._keys.turn_off(raw)
            self._keys.note_violations(raw)
        done = self._units[: len(self._units) - self._left]
        execute(raw, [s for unit in done for s in unit.statements if keeps_state(s)])

    def _together(self, raw: Raw, unit: Unit, done: tuple[str, ...]) -> None:
        """Commit the unit and the note that it is done together."""
        with transaction(raw):
            with self._authorizer.watching(raw):
                execute(raw, unit.statements)
            self._row.note(raw, Progress((*done, unit.checksum)))

    def _alone(self, raw: Raw, unit: Unit, done: tuple[str, ...]) -> None:
        """Note that the unit has started, run it, note that it is done."""
        with transaction(raw):
            self._row.note(raw, Progress(done, started=unit.checksum))
        try:
            execute(raw, unit.statements)
        except RefusedError:
            # Nothing is in doubt: it did not happen, and the file may be corrected.
            with suppress(DriverError), transaction(raw):
                self._row.note(raw, Progress(done))
            raise
        with transaction(raw):
            self._row.note(raw, Progress((*done, unit.checksum)))

    def _close(self, raw: Raw) -> HistoryEntry:
        """Look at the foreign keys only now: in the middle of a rebuild they are broken."""
        if self._keys:
            self._keys.refuse_new_violations(raw)
            self._keys.restore(raw)
        return self._row.close(raw)

    def _give_up(self, raw: Raw) -> None:
        self._authorizer.remove(raw)
        roll_back(raw)
        if self._keys:
            self._keys.restore(raw)


async def _run_python(
    desk: Desk, row: OpenRow, script: PythonScript, events: StepEvents
) -> HistoryEntry:
    """Run the function with neither a transaction nor an authorizer, and not twice."""
    async with python_function(row.step, script) as function:
        await desk.patiently(lambda: desk.lay_out(Alone()))
        worker = desk.worker
        desk.is_used = True
        try:
            await desk.patiently(lambda: worker.run(row.open, None))
            events.on_started()
            await _call(function, worker, row.step, script)
            return await desk.patiently(lambda: worker.run_to_end(row.close))
        except ClosedError as error:
            raise failed_as_a_whole(row.step, "it closed the connection") from error
        except BaseException:
            await desk.sweep(roll_back)
            raise


async def _call(
    function: Callable[[Driver], Awaitable[object]],
    worker: Worker,
    step: Step,
    script: PythonScript,
) -> None:
    await worker.run(worker.watch)
    await worker.run(_wait_for_applications)
    try:
        await function(worker.driver)
    except Exception as error:
        raise python_failed(step, script, error) from error
    if await worker.run(_is_in_transaction):
        raise failed_as_a_whole(step, "it left a transaction open, which was rolled back")


def _wait_for_applications(raw: Raw) -> None:
    raw.execute(f"PRAGMA busy_timeout = {_AUTHORS_WAIT_MS}").close()


def _is_in_transaction(raw: Raw) -> bool:
    return raw.in_transaction
