"""yoyo: its manual's "Using yoyo from python code", in a thread."""

from __future__ import annotations

import asyncio
import sqlite3  # noqa: F401 - an application has its driver

import psycopg2  # noqa: F401 - the same
from yoyo import get_backend, read_migrations


async def migrate(url: str, folder: str) -> None:
    """Apply what is pending."""
    await asyncio.to_thread(_migrate, url, folder)


def _migrate(url: str, folder: str) -> None:
    backend = get_backend(url)
    with backend.lock():
        backend.apply_migrations(backend.to_apply(read_migrations(folder)))
    backend.connection.close()
