"""SQLite, over aiosqlite."""

from __future__ import annotations

from asyncmig.engines.sqlite.engine import SqliteEngine
from asyncmig.engines.url import SqliteTarget

__all__ = ["SqliteEngine", "SqliteTarget"]
