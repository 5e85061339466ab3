"""SQLite as an engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from asyncmig.engines.cleanup import delivering
from asyncmig.engines.sqlite.access import BorrowedConnection, OwnConnections
from asyncmig.engines.sqlite.patience import Patience
from asyncmig.engines.sqlite.session import SqliteSession
from asyncmig.engines.sqlite.table import Table
from asyncmig.engines.url import SqliteTarget
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import EngineSettings, Runner
    from asyncmig.engines.sqlite.connection import Driver
    from asyncmig.plan import Plan


class SqliteEngine:
    """A SQLite database, see :class:`asyncmig.engines.base.Engine`.

    Args:
        target: Where the database is, or a connection of an application. That one is given back
            as it was, and never closed; nobody else may use it during a session.
        settings: How to work with it.
    """

    def __init__(self, target: SqliteTarget | Driver, settings: EngineSettings) -> None:
        self._target = target
        self._settings = settings

    @property
    def dialect(self) -> Dialect:
        """SQLite's."""
        return Dialect.SQLITE

    @property
    def address(self) -> str:
        """Where the database is."""
        if isinstance(self._target, SqliteTarget):
            return self._target.address
        return BorrowedConnection.address

    @asynccontextmanager
    async def session(self, runner: Runner) -> AsyncGenerator[SqliteSession]:
        """Visit the database. Nothing is opened before there is something to do."""
        busy_timeout = self._settings.busy_timeout
        if isinstance(self._target, SqliteTarget):
            if self._target.busy_timeout is not None:
                busy_timeout = self._target.busy_timeout
            patiently = Patience(busy_timeout, self._target.address)
            visit = OwnConnections(self._target, patiently)
            session = SqliteSession(visit, runner, self._settings, busy_timeout)
        else:
            borrowed = BorrowedConnection(self._target)
            session = SqliteSession(borrowed, runner, self._settings, busy_timeout)
        async with delivering():
            yield session

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the plan as a script for the sqlite3 shell.

        Raises:
            InvalidMigrationError: The plan has a step that is not SQL.
        """
        from asyncmig.engines.sqlite.script import script_of

        return script_of(plan, runner, Table(self._settings.table))
