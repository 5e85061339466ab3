"""The databases that every engine is tried on."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from asyncmig.engines import open_engine
from asyncmig.request import Durability
from tests.engines.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.engines.base import Engine
    from asyncmig.engines.settings import EngineSettings

SLOW_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) "
    "SELECT count(*) FROM n"
)


@pytest.fixture
def sqlite_lab(sqlite_url: str, sqlite_path: Path) -> Lab:
    """Return a SQLite file that does not exist yet."""

    def make_engine(settings: EngineSettings) -> Engine:
        return open_engine(sqlite_url, settings)

    async def query(statement: str) -> list[tuple[Any, ...]]:
        return await asyncio.to_thread(look_into, sqlite_path, statement)

    return Lab(make_engine, query, SLOW_SQLITE)


@pytest.fixture
def sqlite_run_lab(sqlite_lab: Lab) -> Lab:
    """Return the same, where migrations share a transaction until they are flushed."""

    def make_engine(settings: EngineSettings) -> Engine:
        return sqlite_lab.make_engine(replace(settings, durability=Durability.RUN))

    return replace(sqlite_lab, make_engine=make_engine)


def look_into(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on a connection of its own, and commit it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def postgres_lab(postgres_url: str) -> Lab:
    """Return an empty PostgreSQL database."""

    def make_engine(settings: EngineSettings) -> Engine:
        return open_engine(postgres_url, settings)

    async def query(statement: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(postgres_url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return Lab(make_engine, query, "SELECT pg_sleep(60)")


@pytest.fixture(params=["sqlite", "sqlite_run", "postgres"])
def lab(request: pytest.FixtureRequest) -> Lab:
    """Return an empty database, of each kind in turn."""
    found: Lab = request.getfixturevalue(f"{request.param}_lab")
    return found


@pytest.fixture
def engine(lab: Lab) -> Engine:
    """Return an engine for the database of the lab."""
    return lab.engine
