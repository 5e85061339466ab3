"""The floor: what the least that is still a migration runner costs.

It looks at the folder, asks for the history once, and applies each file in a transaction of its own
with one row of history. It takes no lock and recovers from nothing. There are two of them:

- ``listed`` looks at the names alone, and so cannot know that a file was edited;
- ``hashed`` reads and hashes every file too, the least that a runner that notices edits can do.

``python floor.py URL FOLDER [listed|hashed]``. Drivers are imported where they are used, as the
process that is measured has the one that it needs.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[[str], dict[str, str]]

SQLITE = "sqlite:///"
CREATE = "CREATE TABLE IF NOT EXISTS floor_history (name text PRIMARY KEY, hash text, at {type})"
READ = "SELECT name, hash FROM floor_history"


def listed(folder: str) -> dict[str, str]:
    """Return the names of the files in their order, and nothing about what is in them."""
    return dict.fromkeys(sorted(path.name for path in Path(folder).iterdir()), "")


def hashed(folder: str) -> dict[str, str]:
    """Return the names of the files in their order, each with the hash of what is in it."""
    paths = sorted(Path(folder).iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


LOOKS: dict[str, Look] = {"listed": listed, "hashed": hashed}


def pending(found: dict[str, str], applied: dict[str, str]) -> list[str]:
    """Return what is not applied.

    Raises:
        RuntimeError: A file is not what was applied.
    """
    for name, digest in applied.items():
        if found.get(name) != digest:
            raise RuntimeError(f"{name} was edited")
    return [name for name in found if name not in applied]


async def migrate_postgres(url: str, folder: str, look: Look = listed) -> None:
    """Apply what is pending, over plain asyncpg."""
    import asyncpg

    found = look(folder)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(CREATE.format(type="timestamptz"))
        applied = {row["name"]: row["hash"] for row in await connection.fetch(READ)}
        for name in pending(found, applied):
            async with connection.transaction():
                await connection.execute(Path(folder, name).read_text())
                await connection.execute(
                    "INSERT INTO floor_history VALUES ($1, $2, now())", name, found[name]
                )
    finally:
        await connection.close()


def migrate_sqlite(path: str, folder: str, look: Look = listed) -> None:
    """Apply what is pending, over plain sqlite3."""
    import sqlite3

    found = look(folder)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute(CREATE.format(type="integer"))
        for name in pending(found, dict(connection.execute(READ))):
            connection.execute("BEGIN IMMEDIATE")
            for statement in Path(folder, name).read_text().split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO floor_history VALUES (?, ?, 0)", (name, found[name]))
            connection.execute("COMMIT")
    finally:
        connection.close()


def main(url: str, folder: str, look: str = "listed") -> None:
    """Migrate as a program does: SQLite needs no event loop for that."""
    if url.startswith(SQLITE):
        migrate_sqlite(url.removeprefix(SQLITE), folder, LOOKS[look])
    else:
        import asyncio

        asyncio.run(migrate_postgres(url, folder, LOOKS[look]))


if __name__ == "__main__":
    main(*sys.argv[1:])
