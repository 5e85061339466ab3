"""Run a step outside a transaction, unit by unit, so that a later run can go on where it stopped.

A unit that may run in a transaction commits together with its progress. For one that may not
(``CREATE INDEX CONCURRENTLY``) ``started`` is written first; if the run dies before it is known to
be done, the catalogue is asked what became of it, or else a person is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio.to_thread

from asyncmig.engines.cleanup import see_through
from asyncmig.engines.postgres.index import IndexFate, drop, fate_of, index_of
from asyncmig.engines.postgres.running import ready, run_statements
from asyncmig.engines.postgres.settings import TIDY, setting
from asyncmig.engines.python_script import run_setup
from asyncmig.engines.statements import prepare
from asyncmig.errors import (
    DatabaseUnavailableError,
    DirectConnectionRequiredError,
    IncompleteMigrationError,
    MigrationFailedError,
)
from asyncmig.history import Progress
from asyncmig.migration import SqlScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.session import PostgresSession
    from asyncmig.engines.statements import Unit
    from asyncmig.history import Generation, HistoryEntry
    from asyncmig.plan import Step
    from asyncmig.sql import Statement

_REPEATABLE = frozenset({"VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "DISCARD", "REFRESH"})
"""Statements that do no harm when they run twice."""

_SESSION_STATE = frozenset({"SET", "RESET"})


async def apply_python(
    session: PostgresSession, step: Step, planned: Generation, events: StepEvents
) -> HistoryEntry:
    """Run a Python migration that wants no transaction.

    If it stops in the middle, a person is asked: its row has no progress to go on from.
    """
    visit = _Visit(session, step)
    async with ready(step) as work:
        await visit.enter(planned, events, progress=None)
        await work(session.wire)
    return await visit.leave()


async def apply_sql(
    session: PostgresSession, step: Step, planned: Generation, events: StepEvents
) -> HistoryEntry:
    """Run a SQL migration that wants no transaction, from where an earlier run stopped."""
    script = step.script
    assert isinstance(script, SqlScript)  # noqa: S101 - the session sends nothing else here
    prepared = await anyio.to_thread.run_sync(prepare, script, Dialect.POSTGRESQL, step.key)
    before = _progress(step)
    rest = _remaining(step, prepared.units, before)
    visit = _Visit(session, step)
    await visit.enter(planned, events, progress=before)
    await visit.replay(prepared.units[: len(before.done)])
    for unit in rest:
        await visit.run(unit)
    return await visit.leave()


def _progress(step: Step) -> Progress:
    resumed = None if step.resumes is None else step.resumes.progress
    return resumed or Progress()


def _remaining(step: Step, units: Sequence[Unit], progress: Progress) -> Sequence[Unit]:
    """Return what is left to run. What is done must still stand at the start of the file.

    Raises:
        IncompleteMigrationError: The part of the file that was run has been changed.
    """
    done = progress.done
    if tuple(unit.checksum for unit in units[: len(done)]) != done:
        detail = f"its first {len(done)} statements were run and have been changed since"
        raise IncompleteMigrationError([step.key], detail=detail)
    return units[len(done) :]


class _Visit:
    """The course of one migration without a transaction."""

    def __init__(self, session: PostgresSession, step: Step) -> None:
        self._session = session
        self._step = step
        self._edit = step.edit()
        self._entry_id = 0
        self._progress = Progress()
        self._began = time.monotonic()

    async def enter(
        self, planned: Generation, events: StepEvents, *, progress: Progress | None
    ) -> None:
        """Leave a trace in the history, committed, before any side effect.

        Raises:
            DirectConnectionRequiredError: A pooler stands between.
        """
        session, step = self._session, self._step
        if session.server.pooled:
            raise DirectConnectionRequiredError(version=step.key, file=step.script.path)
        self._progress = progress or Progress()
        resumed = step.resumes
        self._entry_id = planned.newest_id + 1 if resumed is None else resumed.id
        await self._in_transaction(lambda: self._trace(planned, progress))
        await session.wire.execute(self._settings())
        await run_setup(session.settings.setup, session.wire.raw)
        events.on_started()

    async def _trace(self, planned: Generation, progress: Progress | None) -> None:
        book = self._session.book
        await book.check(planned)
        if self._step.resumes is None:
            row = replace(self._edit.row, progress=progress)
            await book.begin(replace(self._edit, row=row), self._entry_id)

    def _settings(self) -> str:
        """Return the SETs for the session.

        Without lock_timeout: an index build that gives up leaves an INVALID index.
        """
        orders = ["SET lock_timeout = 0;", "SET statement_timeout = 0;"]
        if (path := self._session.settings.search_path) is not None:
            orders.append(setting("search_path", path, local=False))
        return " ".join(orders)

    async def replay(self, done: Sequence[Unit]) -> None:
        """Set again what the finished part of the file had set for the session."""
        for unit in done:
            for statement in unit.statements:
                if statement.words[0] in _SESSION_STATE and statement.words[1:2] != ("LOCAL",):
                    await self._session.wire.execute(statement.text)

    async def run(self, unit: Unit) -> None:
        """Run one unit and write down that it is done."""
        if not await self._session.lock_key.is_held(self._session.wire):
            message = "the lock was lost in the middle of a migration without a transaction"
            raise DatabaseUnavailableError(message, hint="run again: it goes on where it stopped")
        if unit.autocommit:
            await self._run_outside(unit)
        else:
            await self._in_transaction(lambda: self._run_inside(unit))
        self._progress = self._after(unit)

    def _after(self, unit: Unit) -> Progress:
        return Progress((*self._progress.done, unit.checksum))

    async def _run_inside(self, unit: Unit) -> None:
        session, step = self._session, self._step
        await session.wire.execute(session.transaction_settings(step.script))
        await self._send(unit)
        await session.book.note(self._entry_id, self._after(unit))

    async def _run_outside(self, unit: Unit) -> None:
        (statement,) = unit.statements
        again = self._progress.started == unit.checksum
        if not (again and await self._is_done(statement)):
            started = replace(self._progress, started=unit.checksum)
            await self._session.book.note(self._entry_id, started)
            await self._send_outside(unit, statement)
        await self._session.book.note(self._entry_id, self._after(unit))

    async def _send_outside(self, unit: Unit, statement: Statement) -> None:
        """Send it; when the server refuses and nothing can be left behind, it was not started."""
        try:
            await self._send(unit)
        except MigrationFailedError:
            if index_of(statement) is None:
                await self._session.book.note(self._entry_id, self._progress)
            raise
        await self._refuse_invalid_index(statement)

    async def _send(self, unit: Unit) -> None:
        script = self._step.script
        assert isinstance(script, SqlScript)  # noqa: S101 - only SQL has units
        await run_statements(self._session.wire, self._step, script, unit.statements)

    async def _is_done(self, statement: Statement) -> bool:
        """Find out what became of a statement that was started and not seen to finish.

        Raises:
            IncompleteMigrationError: That cannot be found out.
        """
        work = index_of(statement)
        if work is None:
            if statement.words[0] in _REPEATABLE:
                return False
            detail = f"it stopped at `{' '.join(statement.sql.split())[:80]}`"
            raise IncompleteMigrationError([self._step.key], detail=detail)
        fate = await fate_of(self._session.wire, work)
        if fate is IndexFate.INVALID and work.table is not None:
            await drop(self._session.wire, work)
        return fate is work.finished

    async def _refuse_invalid_index(self, statement: Statement) -> None:
        """Look at the index: IF NOT EXISTS succeeds over an invalid one."""
        work = index_of(statement)
        if work is None or work.table is None:
            return
        if await fate_of(self._session.wire, work) is IndexFate.INVALID:
            step = self._step
            raise MigrationFailedError(
                f"migration {step.key} left the index {work.name} invalid ({step.script.path})",
                version=step.key,
                direction=step.direction,
                file=step.script.path,
                hint=f"run again: it is dropped (DROP INDEX CONCURRENTLY {work.name}) and rebuilt",
            )

    async def leave(self) -> HistoryEntry:
        """Finish the row."""
        session = self._session
        if session.wire.lent:
            await session.restore()
        else:
            await session.wire.execute(f"{TIDY} {session.server.settings}")
        duration_ms = round((time.monotonic() - self._began) * 1000)
        await self._in_transaction(
            lambda: session.book.finish(self._edit, self._entry_id, duration_ms)
        )
        entry = await session.book.entry(self._entry_id)
        assert entry is not None  # noqa: S101 - rows are never deleted
        return entry

    async def _in_transaction(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do a piece of work in a transaction that has the fence."""
        session = self._session
        transaction = session.wire.transaction()
        await transaction.begin()
        try:
            await session.enter_fence()
            await work()
        except BaseException:
            await transaction.roll_back()
            raise
        await see_through(transaction.commit())
