"""asyncpg-trek: ``plan`` and ``execute`` inside one transaction, as its README shows."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from asyncpg_trek import Direction, execute, plan
from asyncpg_trek.asyncpg import AsyncpgBackend


async def migrate(url: str, folder: str) -> None:
    """Apply what is pending."""
    revisions = Path(folder, "revisions")
    newest = f"r{sum(1 for _ in revisions.iterdir())}"
    connection = await asyncpg.connect(url)
    try:
        backend = AsyncpgBackend(connection)
        async with backend.connect():
            planned = await plan(backend, revisions, newest, Direction.up)
            await execute(backend, planned)
    finally:
        await connection.close()
