"""A connection of the application's own: given back as it was."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import aiosqlite
import pytest

from asyncmig.engines.settings import EngineSettings
from asyncmig.engines.sqlite import SqliteEngine
from asyncmig.errors import ConnectionInUseError, LockTimeoutError, MigrationFailedError
from tests.engines.lab import RIVAL, history_of, locked, python, run, sql, wait_for
from tests.engines.sqlite.places import engine_for, files_beside

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);")
HABITS = python("2", "connection.row_factory = None\nconnection.text_factory = str")


@pytest.fixture
async def connection(sqlite_path: Path) -> AsyncGenerator[aiosqlite.Connection]:
    """Yield a connection as an application may have set it up."""
    async with aiosqlite.connect(sqlite_path, timeout=7) as opened:
        opened.row_factory = sqlite3.Row
        opened.text_factory = bytes
        await opened.execute("PRAGMA foreign_keys = ON")
        yield opened


def borrowed(connection: aiosqlite.Connection) -> SqliteEngine:
    """Return an engine that works on that connection."""
    return SqliteEngine(connection, EngineSettings())


async def settings_of(connection: aiosqlite.Connection) -> tuple[Any, ...]:
    """Return what is to be the same afterwards."""
    pragmas = [
        tuple(*await connection.execute_fetchall(f"PRAGMA {name}"))
        for name in ("foreign_keys", "busy_timeout")
    ]
    return (
        connection.isolation_level,
        connection.row_factory,
        connection.text_factory,
        connection.in_transaction,
        *pragmas,
    )


async def test_it_is_given_back_as_it_was(connection: aiosqlite.Connection) -> None:
    """After a run, after a failure, and still open."""
    before = await settings_of(connection)
    assert ("", sqlite3.Row, bytes, False, (1,), (7000,)) == before
    await run(borrowed(connection), USERS, HABITS)
    assert before == await settings_of(connection)
    with pytest.raises(MigrationFailedError):
        await run(borrowed(connection), USERS, HABITS, sql("3", "NONSENSE", foreign_keys=False))
    assert before == await settings_of(connection)
    assert 2 == len(await history_of(borrowed(connection)))


async def test_it_stays_open_when_sqlite_has_rolled_back_by_itself(
    connection: aiosqlite.Connection,
) -> None:
    """There is no transaction left to roll back then."""
    before = await settings_of(connection)
    conflict = sql("2", "INSERT INTO users VALUES (1);\nINSERT OR ROLLBACK INTO users VALUES (1);")
    with pytest.raises(MigrationFailedError, match="UNIQUE constraint failed"):
        await run(borrowed(connection), USERS, conflict)
    assert before == await settings_of(connection)


async def test_reading_changes_nothing(connection: aiosqlite.Connection) -> None:
    """The factories of the application do not reach our statements."""
    await run(borrowed(connection), USERS)
    before = await settings_of(connection)
    assert ["1"] == [entry.key for entry in await history_of(borrowed(connection))]
    assert before == await settings_of(connection)


async def test_one_inside_a_transaction_is_refused(connection: aiosqlite.Connection) -> None:
    """What the application has begun is its own affair."""
    await connection.execute("BEGIN")
    await connection.execute("CREATE TABLE mine (id)")
    with pytest.raises(ConnectionInUseError, match="is inside a transaction"):
        await run(borrowed(connection), USERS)
    assert connection.in_transaction


async def test_a_closed_one_is_refused(sqlite_path: Path) -> None:
    """One that was never opened as well."""
    connection = await aiosqlite.connect(sqlite_path)
    await connection.close()
    with pytest.raises(ConnectionInUseError, match="is closed"):
        await run(borrowed(connection), USERS)


async def test_it_takes_the_lock_of_its_file(
    connection: aiosqlite.Connection, sqlite_path: Path
) -> None:
    """Runners with connections of their own wait for it."""
    async with locked(borrowed(connection)), engine_for(sqlite_path).session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError):
            async with rival.lock(wait_for(timeout=0.1)):
                pass
    assert {"test.db"} == files_beside(sqlite_path)


async def test_a_database_in_memory_is_migrated() -> None:
    """It has no file, so there is nobody to lock out."""
    async with aiosqlite.connect(":memory:") as connection:
        await run(borrowed(connection), USERS, HABITS)
        assert 2 == len(await history_of(borrowed(connection)))
