"""The engine: where the database is, and how a visit to it begins and ends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from asyncmig.engines.cleanup import delivering
from asyncmig.errors import DatabaseUrlError
from asyncmig.importing import import_ahead, imported
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.session import PostgresSession
    from asyncmig.engines.postgres.sources import Database, Source
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.plan import Plan


_VISIT = (
    "asyncmig.engines.postgres.connection",
    "asyncmig.engines.postgres.table",
    "asyncmig.engines.postgres.book",
    "asyncmig.engines.postgres.desk",
    "asyncmig.engines.postgres.session",
    "asyncmig.engines.postgres.sources",
)


class PostgresEngine:
    """A PostgreSQL database.

    One can be made in an event loop, which must not stand still while the driver is imported: that,
    and whatever else a visit needs, is put off until there is one.

    Args:
        database: A parsed URL, an ``asyncpg.Pool`` or an ``asyncpg.Connection``.
        settings: How to work with it.
    """

    dialect = Dialect.POSTGRESQL
    is_remote = True

    def __init__(self, database: Database, settings: EngineSettings) -> None:
        path = settings.search_path or getattr(database, "search_path", None)
        self._settings = replace(settings, search_path=path)
        self._database = _direct(database, settings)
        self._schema: str | None = settings.schema or getattr(database, "schema", None)
        import_ahead(*_VISIT)

    @cached_property
    def _source(self) -> Source:
        from asyncmig.engines.postgres.sources import source_of

        return source_of(self._database, self._settings.connect_timeout)

    @cached_property
    def _table(self) -> HistoryTable:
        from asyncmig.engines.postgres.table import DEFAULT_SCHEMA, HistoryTable

        return HistoryTable(self._schema or DEFAULT_SCHEMA, self._settings.table)

    @property
    def address(self) -> str:
        """Where it is, without a password."""
        address: str | None = getattr(self._database, "address", None)
        return self._source.address if address is None else address

    @asynccontextmanager
    async def session(self, runner: Runner) -> AsyncGenerator[PostgresSession]:
        """Visit the database; the connection is closed, or handed back clean, on every way out."""
        await imported(*_VISIT)
        from asyncmig.engines.postgres.session import PostgresSession

        session = PostgresSession(
            self._source,
            self._settings,
            self._table,
            runner,
            only_here=self._schema is not None,
        )
        async with delivering():
            await session.open()
            try:
                yield session
            finally:
                await session.close()

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the plan as a script for psql.

        Raises:
            InvalidMigrationError: The plan has a step that is not SQL.
        """
        from asyncmig.engines.postgres.script import psql_script

        return psql_script(plan, runner, self._table, self._settings)


def _direct(database: Database, settings: EngineSettings) -> Database:
    """Return the server's own address where one is given: it serves for everything."""
    if settings.direct_url is None:
        return database
    from asyncmig.engines.url import PostgresUrl, parse_database

    direct = parse_database(settings.direct_url)
    if not isinstance(direct, PostgresUrl):
        raise DatabaseUrlError("the direct URL is not that of a PostgreSQL server")
    return direct
