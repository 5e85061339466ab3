"""The floors: asyncpg in the event loop, sqlite3 in a thread beside it."""

from __future__ import annotations

import asyncio
import sqlite3  # noqa: F401 - an application has its driver

import asyncpg  # noqa: F401 - the same

from benchmarks.floor import LOOKS, SQLITE, migrate_postgres, migrate_sqlite


async def migrate(url: str, folder: str, look: str = "listed") -> None:
    """Apply what is pending."""
    if url.startswith(SQLITE):
        path = url.removeprefix(SQLITE)
        await asyncio.to_thread(migrate_sqlite, path, folder, LOOKS[look])
    else:
        await migrate_postgres(url, folder, LOOKS[look])
