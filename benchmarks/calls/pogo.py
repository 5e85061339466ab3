"""pogo-migrate: what ``pogo apply`` does, in the application's event loop."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from pogo_core.util import migrate as pogo


async def migrate(url: str, folder: str) -> None:
    """Apply what is pending."""
    connection = await asyncpg.connect(url)
    try:
        await pogo.apply(connection, Path(folder, "migrations"), schema_name="public")
    finally:
        await connection.close()
