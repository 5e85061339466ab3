"""Short spellings for the tests of SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from asyncmig.engines.settings import EngineSettings
from asyncmig.engines.sqlite import SqliteEngine, SqliteTarget
from asyncmig.request import Durability
from tests.engines.lab import sql

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import aiosqlite

    from asyncmig.engines.settings import Setup


FAMILY = sql(
    "1",
    "CREATE TABLE parents (id integer PRIMARY KEY, name text);\n"
    "CREATE TABLE children (id integer PRIMARY KEY,\n"
    "  parent integer REFERENCES parents (id) ON DELETE CASCADE);\n"
    "INSERT INTO parents VALUES (1, 'a');\nINSERT INTO children VALUES (10, 1);",
)
REBUILD = (
    "CREATE TABLE new (id integer PRIMARY KEY, name text NOT NULL);\n"
    "INSERT INTO new SELECT * FROM parents;\nDROP TABLE parents;\n"
    "ALTER TABLE new RENAME TO parents;"
)


def engine_for(
    path: Path,
    *,
    uri: str | None = None,
    journal_mode: str | None = None,
    busy: float = 10.0,
    setup: Setup | None = None,
    durability: Durability = Durability.MIGRATION,
) -> SqliteEngine:
    """Return an engine for a file."""
    target = SqliteTarget(str(path), uri, journal_mode)
    settings = EngineSettings(busy_timeout=busy, setup=setup, durability=durability)
    return SqliteEngine(target, settings)


@contextlib.contextmanager
def application(path: Path) -> Generator[sqlite3.Connection]:
    """Be an application that has the database open."""
    with contextlib.closing(
        sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
    ) as connection:
        yield connection


def files_beside(path: Path) -> set[str]:
    """Return what is in the folder of the database."""
    return {found.name for found in path.parent.iterdir()}


def journal_mode(path: Path) -> str:
    """Return the journal mode of a database."""
    with application(path) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        return str(mode)


def rows(path: Path, statement: str) -> list[Any]:
    """Look into the database."""
    with application(path) as connection:
        return connection.execute(statement).fetchall()


async def keys_on(connection: aiosqlite.Connection) -> None:
    """Turn foreign keys on, as most applications do."""
    await connection.execute("PRAGMA foreign_keys = ON")
