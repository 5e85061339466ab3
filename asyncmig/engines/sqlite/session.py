"""One visit to a SQLite database.

What applies steps, and the lexer with it, is imported when there is one: mostly there is none.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines import base
from asyncmig.engines.cleanup import finish, in_thread
from asyncmig.engines.locking import acquire
from asyncmig.engines.sqlite.connection import ClosedError, DriverError, pragma
from asyncmig.engines.sqlite.desk import Desk
from asyncmig.engines.sqlite.foreign import find_tables, read_table
from asyncmig.engines.sqlite.lock import LockFile
from asyncmig.engines.sqlite.patience import Patience
from asyncmig.engines.sqlite.records import (
    is_there,
    read_entry,
    read_glance,
    read_history,
    read_residents,
    refuse_moved,
    transaction,
    write,
)
from asyncmig.engines.sqlite.shared import SharedTransaction
from asyncmig.engines.sqlite.table import Table
from asyncmig.errors import DatabaseError, SettingsError
from asyncmig.importing import imported
from asyncmig.request import Durability

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from asyncmig.engines.base import Adoption, Holder, Runner, Share, StepEvents, Wait
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.engines.sqlite.access import Visit
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.statements import Prepared
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading
    from asyncmig.glance import InForce
    from asyncmig.history import Edit, Failure, Generation, History, HistoryEntry, NewRow
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step

T = TypeVar("T")

_APPLYING = (
    "asyncmig.engines.statements",
    "asyncmig.engines.sqlite.applying",
    "asyncmig.engines.sqlite.resume",
    "asyncmig.engines.sqlite.stepwise",
)
_IN_BATCHES = (
    "asyncmig.batching",
    "asyncmig.engines.batching",
    "asyncmig.engines.sqlite.batches",
    "asyncmig.engines.sqlite.batched",
)


class SqliteSession:
    """One visit to a SQLite database, see :class:`asyncmig.engines.base.Session`."""

    def __init__(
        self, visit: Visit, runner: Runner, settings: EngineSettings, busy_timeout: float
    ) -> None:
        self._visit = visit
        self._runner = runner
        self._settings = settings
        self._table = Table(settings.table)
        self._patiently = Patience(busy_timeout, visit.address)
        self._desk_in_use: Desk | None = None

    async def history(self, known: History | None = None) -> History:
        """Read the whole history, if it is not known. Makes no file and takes no lock.

        A reader of a database that is not in WAL waits for a writer that is about to commit; for
        another runner it waits as long as that lives.
        """
        from asyncmig.history import History

        reading = partial(read_history, known=known)
        read = partial(self._read, reading, without=History(exists=False))
        return await self._patiently(read, runner_lives=self._runner_lives)

    async def glance(self) -> InForce | None:
        """Read of the history only what is in force, as :meth:`history`."""
        read = partial(self._read, read_glance, without=None)
        return await self._patiently(read, runner_lives=self._runner_lives)

    async def find_tables(self, names: Iterable[str]) -> tuple[ForeignTable, ...]:
        """Find tables of other tools by their names, as :meth:`history`."""
        return await self._read_foreign(partial(find_tables, names=tuple(names)), without=())

    async def read_table(self, reading: Reading) -> list[ForeignRow]:
        """Read a table of another tool, as :meth:`history`."""
        return await self._read_foreign(partial(read_table, reading=reading), without=[])

    async def _read_foreign(self, work: Callable[[Raw], T], *, without: T) -> T:
        read = partial(self._read, lambda raw, _: work(raw), without=without)
        return await self._patiently(read, runner_lives=self._runner_lives)

    async def residents(self) -> Sequence[str]:
        """Name the tables and views that are there and not ours."""
        read = partial(self._read, read_residents, without=list[str]())
        return await self._patiently(read, runner_lives=self._runner_lives)

    @asynccontextmanager
    async def lock(self, wait: Wait) -> AsyncGenerator[float]:
        """Hold the lock, with the history table made and a connection to write with."""
        await self._visit.refuse_read_only()
        lock = await self._lock_file()
        async with self._locked(lock, wait) as waited, self._visit.writing() as worker:
            desk = Desk(
                self._visit,
                worker,
                table=self._table,
                runner=self._runner,
                setup=self._settings.setup,
                patiently=self._patiently,
                shared=SharedTransaction(is_open=await self._may_share(worker)),
            )
            self._desk_in_use = desk
            try:
                await wait.admit(self)
                await desk.patiently(lambda: worker.run(_make_table, self._table))
                yield waited
            finally:
                self._desk_in_use = None

    async def apply(
        self,
        step: Step,
        planned: Generation,
        events: StepEvents,
        prepared: Prepared | None = None,
    ) -> HistoryEntry:
        """Run one step and commit it together with its history."""
        await imported(*_APPLYING)
        from asyncmig.engines.sqlite.applying import apply_in_transaction
        from asyncmig.engines.sqlite.resume import refuse_progress
        from asyncmig.engines.sqlite.stepwise import apply_step_by_step
        from asyncmig.migration import PythonScript

        script = step.script
        if script.batching is not None:
            await imported(*_IN_BATCHES)
            from asyncmig.engines.sqlite.batched import apply_in_batches

            return await apply_in_batches(self._desk, step, planned, events, prepared)
        if script.transaction or isinstance(script, PythonScript):
            refuse_progress(step)
        apply = apply_in_transaction if script.transaction else apply_step_by_step
        return await apply(self._desk, step, planned, events, prepared)

    async def apply_in_turn(self, shares: Sequence[Share], planned: Generation) -> None:
        """Run the first step, and with it the small ones behind it in one hop to the thread."""
        await imported(*_APPLYING, "asyncmig.engines.sqlite.turns")
        from asyncmig.engines.sqlite.turns import apply_in_turn, in_one_hop

        small = in_one_hop(shares) if self._settings.setup is None else []
        if small:
            await apply_in_turn(self._desk, small, planned)
        else:
            await base.apply_first(self, shares, planned)

    async def apply_together(
        self, shares: Sequence[Share], planned: Generation
    ) -> tuple[HistoryEntry, ...]:
        """Run steps in one transaction, and commit them all with their history, or nothing."""
        await imported(*_APPLYING, "asyncmig.engines.sqlite.together")
        from asyncmig.engines.sqlite.resume import refuse_progress
        from asyncmig.engines.sqlite.together import apply_together

        for share in shares:
            refuse_progress(share.step)
        return await apply_together(self._desk, shares, planned)

    async def rehearse(
        self,
        choose: Callable[[History], Sequence[Step]],
        wait: Wait,
        on_locks: Callable[[Step, LockReport], None],
    ) -> None:
        """Refuse to."""
        del choose, wait, on_locks
        raise SettingsError(
            "there is nothing to trace on SQLite: whoever writes locks the whole database",
            hint="`asyncmig plan` shows what would run",
        )

    async def flush(self) -> None:
        """Have the disk hold what was applied."""
        await self._desk.flush()

    async def edit(self, edit: Edit, planned: Generation) -> HistoryEntry:
        """Change the history alone, in a transaction."""
        desk = self._desk
        return await desk.patiently(lambda: desk.worker.run(_edit, desk, edit, planned))

    async def adopt(self, adoption: Adoption, planned: Generation) -> tuple[HistoryEntry, ...]:
        """Append what another tool has done, all in one transaction."""
        desk = self._desk
        return await desk.patiently(lambda: desk.worker.run(_adopt, desk, adoption, planned))

    async def record_failure(self, step: Step, failure: Failure) -> None:
        """Append a row in state ``failed``, if that can be done now."""
        from asyncmig.history import NewRow, RowState

        row = NewRow(
            kind=step.kind,
            direction=step.direction,
            version=step.version,
            name=step.name,
            checksum=step.checksum,
            state=RowState.FAILED,
            failure=failure,
        )
        desk = self._desk
        with suppress(DatabaseError, DriverError, ClosedError):
            await desk.worker.run(_append, desk, row)

    @property
    def _desk(self) -> Desk:
        if self._desk_in_use is None:
            message = "only while the lock is held"
            raise RuntimeError(message)
        return self._desk_in_use

    async def _may_share(self, worker: Worker) -> bool:
        """Tell whether migrations may share a transaction.

        Not where a setup hook may do what it likes in front of each, nor where the keys are on: a
        deferred one is looked at in COMMIT, when the next migration may have put it right.
        """
        settings = self._settings
        if settings.durability is not Durability.RUN or settings.setup is not None:
            return False
        return not await worker.run(pragma, "foreign_keys")

    async def _read(self, read: Callable[[Raw, Table], T], *, without: T) -> T:
        def work(raw: Raw) -> T:
            return read(raw, self._table)

        if self._desk_in_use is not None:
            with suppress(ClosedError):  # by a migration; the next one gets a new connection
                return await self._desk_in_use.worker.run(work)
        return await self._visit.read(work, without=without)

    async def _runner_lives(self) -> bool:
        lock = await self._lock_file()
        return lock is not None and await asyncio.to_thread(lock.is_held_by_another)

    async def _lock_file(self) -> LockFile | None:
        """Return the lock, ``None`` for a database in memory: nobody else can run on it.

        But for a memory that is shared inside this process; there the fence of each migration
        has to do.
        """
        path = await self._visit.file()
        return None if path is None else LockFile(path, self._runner)

    @asynccontextmanager
    async def _locked(self, lock: LockFile | None, wait: Wait) -> AsyncGenerator[float]:
        if lock is None:
            yield 0.0
            return
        try:
            yield await acquire(_Waiting(self, lock), wait)
        finally:
            await finish(asyncio.to_thread(lock.release))


class _Waiting:
    """A session that waits for the lock."""

    def __init__(self, session: SqliteSession, lock: LockFile) -> None:
        self._session = session
        self._lock = lock

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it."""
        return await in_thread(self._lock.take)

    async def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return await asyncio.to_thread(self._lock.holder)

    async def history(self) -> History:
        """Read the history."""
        return await self._session.history()


def _make_table(raw: Raw, table: Table) -> None:
    if is_there(raw, table):
        return
    with transaction(raw):
        write(raw, *table.create())


def _edit(raw: Raw, desk: Desk, edit: Edit, planned: Generation) -> HistoryEntry:
    entry_id = planned.newest_id + 1
    with transaction(raw):
        refuse_moved(raw, desk.table, planned)
        insert = desk.table.insert(entry_id, edit.row, desk.runner)
        write(raw, *desk.table.retire(edit), insert)
        return read_entry(raw, desk.table, entry_id)


def _adopt(
    raw: Raw, desk: Desk, adoption: Adoption, planned: Generation
) -> tuple[HistoryEntry, ...]:
    """Read and write in one transaction: nobody else can write meanwhile, other tools neither."""
    with transaction(raw):
        refuse_moved(raw, desk.table, planned)
        rows = adoption.decide([read_table(raw, reading) for reading in adoption.readings])
        for entry_id, row in enumerate(rows, start=planned.newest_id + 1):
            write(raw, desk.table.insert_done(entry_id, row, desk.runner))
        return read_history(raw, desk.table).since(planned)


def _append(raw: Raw, desk: Desk, row: NewRow) -> None:
    with transaction(raw):
        newest = read_history(raw, desk.table).generation.newest_id
        write(raw, desk.table.insert(newest + 1, row, desk.runner))
