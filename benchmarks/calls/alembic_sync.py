"""alembic with psycopg or sqlite3: ``command.upgrade`` in a thread."""

from __future__ import annotations

import asyncio
import sqlite3  # noqa: F401 - an application has its driver

import psycopg  # noqa: F401 - the same
from alembic import command
from alembic.config import Config

from benchmarks.spelling import Template, spelled


async def migrate(url: str, folder: str) -> None:
    """Apply what is pending."""
    config = Config(f"{folder}/alembic.ini")
    config.set_main_option("sqlalchemy.url", spelled(url, Template.GENERIC))
    await asyncio.to_thread(command.upgrade, config, "head")
