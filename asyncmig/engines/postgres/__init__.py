"""PostgreSQL, over asyncpg."""

from __future__ import annotations

from asyncmig.engines.postgres.engine import PostgresEngine

__all__ = ["PostgresEngine"]
