"""The object that you drive: read the files, look at the history, run what is missing.

The decisions are in :mod:`asyncmig.plan`, the loop in :mod:`asyncmig.run`, the work in the engines.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines import open_engine, sealed
from asyncmig.engines.base import Runner
from asyncmig.engines.settings import EngineSettings, lock_policy_of
from asyncmig.errors import AmbiguousFormatError, PendingMigrationsError
from asyncmig.importing import (
    ADOPTING,
    ANYIO_BACKEND,
    HISTORY,
    LOOKING,
    RUN,
    TRACING,
    import_ahead,
    imported,
)
from asyncmig.logging import observer_of
from asyncmig.migration import Direction
from asyncmig.narrator import Narrator, milliseconds
from asyncmig.request import Changed, Durability, OutOfOrder, Phases, Policy, Request
from asyncmig.settler import Settler
from asyncmig.sources.reading import AUTO, Reading

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from importlib.resources.abc import Traversable
    from types import EllipsisType

    from asyncmig.engines.base import Engine
    from asyncmig.engines.settings import Setup
    from asyncmig.events import Observer
    from asyncmig.files import Files
    from asyncmig.history import HistoryEntry
    from asyncmig.report import PlanReport, RunReport, StatusReport, TraceReport
    from asyncmig.request import Target


T = TypeVar("T")


class Migrator(Settler):
    """Runs the migrations of one source on one database.

    It holds no connection and no lock between calls, so it may be shared by tasks; each call is one
    visit to the database. Reading (``status``, ``plan``, ``history``, ``verify``) writes nothing
    and takes no lock. It reads neither the environment nor ``pyproject.toml``.

    Args:
        database: A URL (a string, or a SQLAlchemy or pydantic URL object), or what an application
            has already: an ``asyncpg.Pool``, an ``asyncpg.Connection``, an
            ``aiosqlite.Connection``.
        source: A folder, or a package resource such as ``importlib.resources.files("shop.db")``.
        format: Whose files these are, such as ``"goose"``; ``"auto"`` (the default) lets them tell.
        placeholders: What placeholders in the files of such a tool stand for, by name.
        table: The name of the history table.
        schema: The schema of the history table (PostgreSQL); ``None`` for ``public``.
        search_path: The ``search_path`` of every migration (PostgreSQL); ``None`` for the server's.
        connect_timeout: Seconds to go on trying while the database cannot be reached: it may be
            starting. A wrong password fails at once.
        wait_timeout: Seconds to wait for another runner; ``None`` for as long as it lives.
        lock_timeout: Seconds that a statement of a migration may wait for a lock (PostgreSQL)
            before the migration is rolled back and tried again; ``None`` for no limit.
        statement_timeout: Seconds that a statement of a migration may take (PostgreSQL).
        retries: How often a migration is tried again when a lock was in the way (PostgreSQL).
        budget: Seconds for a ``CREATE INDEX CONCURRENTLY`` and its kin; ``None`` for no limit.
        busy_timeout: Seconds to wait for an application that is writing (SQLite).
        out_of_order: What to do with a pending version below the newest applied one.
        changed: What to do with files that were edited after they had been applied; ``None`` (the
            default) refuses edited SQL and warns of edited Python, which formatters like to touch.
        baseline: What of the migrations is in a database that has tables and no history: ``none``,
            a version and all before it, or ``latest``; ``None`` (the default) refuses to guess.
        durability: When the disk must have it all: after each ``migration`` or after the ``run``.
        single_transaction: Whether :meth:`up` applies everything or nothing, unless it says itself.
        lock_report: Whether to tell what each migration locks, rewrites and scans (PostgreSQL).
        fail_on: What rolls a migration back (PostgreSQL): words of :class:`asyncmig.Hazard`.
        fail_over: From which size on a table counts for that: bytes, or text such as ``"10MB"``.
        setup: A coroutine function that gets the driver's connection before each migration, for
            session settings, roles, and SQL functions that the application registers.
        direct_url: The server's own address, where the database's is a pooler's.
        observer: Gets the events; ``None`` for none. By default they are logged with structlog.

    Raises:
        DatabaseUrlError: The URL cannot be understood.
        SettingsError: A setting makes no sense.
    """

    def __init__(
        self,
        database: object,
        source: str | os.PathLike[str] | Traversable = "migrations",
        *,
        format: str = AUTO,  # noqa: A002 - what the command line calls it
        placeholders: Mapping[str, str] | None = None,
        table: str = "asyncmig_history",
        schema: str | None = None,
        search_path: str | None = None,
        connect_timeout: float = 30.0,
        wait_timeout: float | None = None,
        lock_timeout: float | None = 2.0,
        statement_timeout: float | None = None,
        retries: int = 9,
        budget: float | None = 6 * 3600.0,
        busy_timeout: float = 30.0,
        out_of_order: OutOfOrder | str = OutOfOrder.ERROR,
        changed: Changed | str | None = None,
        baseline: Target | None = None,
        durability: Durability | str = Durability.MIGRATION,
        single_transaction: bool = False,
        lock_report: bool = False,
        fail_on: Iterable[str] | str = (),
        fail_over: float | str = 0,
        setup: Setup | None = None,
        direct_url: str | None = None,
        observer: Observer | EllipsisType | None = ...,
    ) -> None:
        # Error trackers show the variables of every frame: none here may show a password.
        database = sealed(database)
        settings = EngineSettings(
            table=table,
            schema=schema,
            search_path=search_path,
            connect_timeout=connect_timeout,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            retries=retries,
            budget=budget,
            busy_timeout=busy_timeout,
            durability=Durability.of(durability),
            locks=lock_policy_of(fail_on, fail_over, report=lock_report),
            setup=setup,
            direct_url=direct_url,
        )
        del direct_url
        import_ahead(*RUN)
        self._engine: Engine = open_engine(database, settings)
        self._source = source
        self._reading = Reading(format, dict(placeholders or {}))
        self._wait_timeout = wait_timeout
        self._policy = Policy.of(out_of_order, changed, baseline)
        self._settings = settings
        self._observer = observer_of(observer)
        self._is_single = single_transaction
        self._ready = False

    @property
    def database(self) -> str:
        """The database's address, without a password."""
        return self._engine.address

    @property
    def ready(self) -> bool:
        """Whether this object has seen the database with nothing pending: for a readiness check."""
        return self._ready

    # --- run ----------------------------------------------------------------------------------

    async def up(
        self,
        *,
        to: Target | None = None,
        steps: int | None = None,
        phase: Phases | str = Phases.PRE,
        single_transaction: bool | None = None,
    ) -> RunReport:
        """Apply what is pending: by default everything, in version order, then the repeatables.

        Another runner that is at it is waited for; what it has done is not done again.

        Args:
            to: The last version to apply.
            steps: How many to apply at most.
            phase: ``pre`` leaves what waits for the new code, ``post`` applies that, ``all`` both.
            single_transaction: Whether to apply all of that in one transaction, or nothing.

        Raises:
            AsyncmigError: See the tree in :mod:`asyncmig.errors`; each migration is either applied
                or not, never half.
        """
        single = self._is_single if single_transaction is None else single_transaction
        request = Request.up(to=to, steps=steps, phase=phase, single_transaction=single)
        return await self._run(request)

    async def down(
        self,
        *,
        steps: int | None = None,
        to: Target | None = None,
        from_history: bool = False,
    ) -> RunReport:
        """Revert what is applied: by default only the newest version.

        Args:
            steps: How many to revert at most; 1 by default.
            to: The version that stays applied; ``0`` reverts everything.
            from_history: Whether the SQL stored in the history may be run for versions that have
                no file here. Look at it first: ``plan(Direction.DOWN, from_history=True)``.

        Raises:
            IrreversibleMigrationError: One of them has nothing to go down with; none is reverted.
        """
        return await self._run(Request.down(to=to, steps=steps, from_history=from_history))

    async def redo(self) -> RunReport:
        """Revert the newest applied version and apply it again: for the one being written."""
        return await self._run(None)

    async def _run(self, request: Request | None) -> RunReport:
        began = time.monotonic()
        runner = Runner.new()
        await imported(*RUN)
        from asyncmig.run import Run

        async def done(files: Files) -> Run:
            run = Run(
                self._engine,
                files,
                self._policy,
                runner,
                wait_timeout=self._wait_timeout,
                narrator=self._narrator(runner),
                durability=self._settings.durability,
            )
            await (run.redo() if request is None else run.execute(request))
            return run

        run = await self._with_files(done)
        report = await run.report(request, milliseconds(time.monotonic() - began))
        skipped = [status for status in report.warnings if self._policy.skips(status)]
        self._ready = report.pending == len(skipped)
        return report

    # --- look ---------------------------------------------------------------------------------

    async def plan(
        self,
        direction: Direction = Direction.UP,
        *,
        to: Target | None = None,
        steps: int | None = None,
        from_history: bool = False,
        phase: Phases | str = Phases.PRE,
        script: bool = False,
    ) -> PlanReport:
        """Return what ``up`` or ``down`` would run, without running it.

        Args:
            direction: Up or down.
            to: As for :meth:`up` and :meth:`down`.
            steps: As for :meth:`up` and :meth:`down`.
            from_history: As for :meth:`down`.
            phase: As for :meth:`up`.
            script: Whether to write the plan as a script for psql or the sqlite3 shell, too.
        """
        await imported(*LOOKING)
        from asyncmig.looking import plan_of

        down = Request.down(to=to, steps=steps, from_history=from_history)
        up = Request.up(to=to, steps=steps, phase=phase)
        request = up if Direction(direction) is Direction.UP else down
        return await self._with_files(
            lambda files: plan_of(
                self._engine, files, request, self._policy, Runner.new(), script=script
            )
        )

    async def trace(
        self,
        *,
        to: Target | None = None,
        steps: int | None = None,
        phase: Phases | str = Phases.PRE,
        python: bool = False,
    ) -> TraceReport:
        """Run what is pending in one transaction, see what it locks, and roll it all back.

        PostgreSQL only. Every lock is held until the end of the trace, so look on a copy of the
        database unless it has little to do. What runs outside a transaction is left out.

        Args:
            to: As for :meth:`up`.
            steps: As for :meth:`up`.
            phase: As for :meth:`up`.
            python: Whether to run Python migrations, too: what they do elsewhere is not undone.

        Raises:
            SettingsError: This is no PostgreSQL.
            MigrationFailedError: A migration failed, or had to wait for a lock for more than 2 s.
        """
        await imported(*TRACING)
        from asyncmig.engines.base import Wait
        from asyncmig.tracing import trace

        runner = Runner.new()
        wait = Wait(self._wait_timeout, lambda _: False, self._narrator(runner).waiting)
        return await self._with_files(
            lambda files: trace(
                self._engine,
                files,
                Request.up(to=to, steps=steps, phase=phase),
                runner,
                wait,
                policy=self._policy,
                locks=self._settings.locks,
                python=python,
            )
        )

    async def status(self) -> StatusReport:
        """Return where each migration stands. Never fails because files and history disagree."""
        await imported(*LOOKING)
        from asyncmig.looking import status_of

        return await self._with_files(lambda files: status_of(self._engine, files, Runner.new()))

    async def verify(self) -> StatusReport:
        """Compare the files with the database: ``.problems`` of the answer says what is wrong."""
        return await self.status()

    async def history(self) -> tuple[HistoryEntry, ...]:
        """Return every row of the history, oldest first."""
        await imported(*HISTORY)
        async with self._engine.session(Runner.new()) as session:
            return (await session.history()).entries

    async def require_current(self) -> StatusReport:
        """Return the status if nothing is pending, else raise.

        What ``out_of_order="warn"`` leaves pending for good does not count, nor what is postponed.

        Raises:
            PendingMigrationsError: Something is pending.
        """
        report = await self.status()
        left = self._policy.left(report.migrations)
        self._ready = not left
        if left:
            raise PendingMigrationsError(left)
        return report

    async def wait_until_current(self, timeout: float | None = None) -> StatusReport:
        """Wait until somebody else has applied everything that the files know.

        For the pods of a fleet in which one runs the migrations. No connection is kept between two
        looks, and a database that cannot be reached is waited for as well.

        Args:
            timeout: Seconds to wait; ``None`` for as long as it takes.

        Raises:
            PendingMigrationsError: Something is still pending when the time is up.
            DatabaseUnavailableError: The database cannot be reached when the time is up.
        """
        await imported(*ANYIO_BACKEND, "asyncmig.readiness")
        from asyncmig.readiness import until_current

        return await until_current(self.require_current, self.database, timeout)

    # --- parts --------------------------------------------------------------------------------

    async def _with_files(self, act: Callable[[Files], Awaitable[T]]) -> T:
        """Do something with the files; where they could be of two tools, the database decides.

        Nothing has been begun then: files that cannot be read end every call before that.
        """
        await imported("asyncmig.files")
        from asyncmig.files import Files

        files = Files(self._source, self._engine.dialect, self._reading)
        try:
            return await act(files)
        except AmbiguousFormatError as error:
            await imported(*ADOPTING, "asyncmig.adopt.format")
            from asyncmig.adopt.format import format_in_use

            found = await format_in_use(self._engine, error.formats, Runner.new())
            if found is None:
                raise
        return await act(files.read_as(found))

    def _narrator(self, runner: Runner) -> Narrator:
        return Narrator(self._observer, run_id=runner.run_id, database=self.database)
