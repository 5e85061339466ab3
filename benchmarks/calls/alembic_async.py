"""alembic with asyncpg or aiosqlite, in the application's event loop.

As in its cookbook, "Programmatic API use (connection sharing) with asyncio": ``run_sync``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiosqlite  # noqa: F401 - an application has its driver
import asyncpg  # noqa: F401 - the same
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.spelling import Template, spelled

if TYPE_CHECKING:
    from sqlalchemy import Connection


async def migrate(url: str, folder: str) -> None:
    """Apply what is pending."""
    config = Config(f"{folder}/alembic.ini")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = create_async_engine(spelled(url, Template.ASYNC), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()
