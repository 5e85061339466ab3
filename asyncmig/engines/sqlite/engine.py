"""SQLite as an engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from asyncmig.engines.cleanup import delivering
from asyncmig.engines.url import SqliteTarget
from asyncmig.importing import import_ahead, imported
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import Runner
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.engines.sqlite.connection import Driver
    from asyncmig.engines.sqlite.session import SqliteSession
    from asyncmig.plan import Plan


_VISIT = (
    "asyncmig.engines.sqlite.connection",
    "asyncmig.engines.sqlite.table",
    "asyncmig.engines.sqlite.session",
    "asyncmig.engines.sqlite.access",
)


class SqliteEngine:
    """A SQLite database, see :class:`asyncmig.engines.base.Engine`.

    One can be made in an event loop, which must not stand still while the driver is imported: that,
    and whatever else a visit needs, is put off until there is one.

    Args:
        target: Where the database is, or a connection of an application. That one is given back
            as it was, and never closed; nobody else may use it during a session.
        settings: How to work with it.
    """

    is_remote = False

    def __init__(self, target: SqliteTarget | Driver, settings: EngineSettings) -> None:
        self._target = target
        self._settings = settings
        import_ahead(*_VISIT)

    @property
    def dialect(self) -> Dialect:
        """SQLite's."""
        return Dialect.SQLITE

    @property
    def address(self) -> str:
        """Where the database is."""
        if isinstance(self._target, SqliteTarget):
            return self._target.address
        from asyncmig.engines.sqlite.access import BorrowedConnection

        return BorrowedConnection.address

    @asynccontextmanager
    async def session(self, runner: Runner) -> AsyncGenerator[SqliteSession]:
        """Visit the database. Nothing is opened before there is something to do."""
        await imported(*_VISIT)
        async with delivering():
            yield self._session(runner)

    def _session(self, runner: Runner) -> SqliteSession:
        from asyncmig.engines.sqlite.access import BorrowedConnection, OwnConnections
        from asyncmig.engines.sqlite.patience import Patience
        from asyncmig.engines.sqlite.session import SqliteSession

        busy_timeout = self._settings.busy_timeout
        if isinstance(self._target, SqliteTarget):
            if self._target.busy_timeout is not None:
                busy_timeout = self._target.busy_timeout
            patiently = Patience(busy_timeout, self._target.address)
            visit = OwnConnections(self._target, patiently)
            return SqliteSession(visit, runner, self._settings, busy_timeout)
        borrowed = BorrowedConnection(self._target)
        return SqliteSession(borrowed, runner, self._settings, busy_timeout)

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the plan as a script for the sqlite3 shell.

        Raises:
            InvalidMigrationError: The plan has a step that is not SQL.
        """
        from asyncmig.engines.sqlite.script import script_of
        from asyncmig.engines.sqlite.table import Table

        return script_of(plan, runner, Table(self._settings.table))
