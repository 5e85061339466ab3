"""What is in a database, asked of its driver and not of asyncmig."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import anyio.to_thread
import asyncpg

TABLES = {
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
}


async def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, or change the database with a statement."""
    if url.startswith("sqlite:"):
        return await anyio.to_thread.run_sync(_ask_sqlite, url.removeprefix("sqlite:///"), query)
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row.values()) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def tables(url: str) -> list[str]:
    """Return the names of all tables."""
    rows = await ask(url, TABLES[url.partition(":")[0]])
    return [str(name) for (name,) in rows]


def _ask_sqlite(path: str, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(query).fetchall()
