"""The floor: what the least that is still a migration runner costs.

It reads the folder, asks for the history once, and applies each file in a transaction of its own
with one row of history. It takes no lock, compares no checksums, and recovers from nothing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import anyio.to_thread
import asyncpg


async def migrate_postgres(url: str, folder: str) -> None:
    """Apply what is pending, over plain asyncpg."""
    names = sorted(path.name for path in Path(folder).iterdir())
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS floor_history (name text PRIMARY KEY, at timestamptz)"
        )
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM floor_history")}
        for name in names:
            if name not in applied:
                async with connection.transaction():
                    await connection.execute(Path(folder, name).read_text())
                    await connection.execute("INSERT INTO floor_history VALUES ($1, now())", name)
    finally:
        await connection.close()


async def migrate_sqlite(path: str, folder: str) -> None:
    """Apply what is pending, over plain sqlite3 in one thread."""
    await anyio.to_thread.run_sync(_migrate_sqlite, path, folder)


def _migrate_sqlite(path: str, folder: str) -> None:
    names = sorted(entry.name for entry in Path(folder).iterdir())
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE IF NOT EXISTS floor_history (name TEXT PRIMARY KEY, at)")
        applied = {name for (name,) in connection.execute("SELECT name FROM floor_history")}
        for name in names:
            if name not in applied:
                connection.execute("BEGIN IMMEDIATE")
                for statement in Path(folder, name).read_text().split(";\n"):
                    connection.execute(statement)
                connection.execute("INSERT INTO floor_history VALUES (?, 0)", (name,))
                connection.execute("COMMIT")
    finally:
        connection.close()
