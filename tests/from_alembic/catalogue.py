"""What is in a database, asked of the database: to compare two of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from typing import Any

import asyncpg

_THEIRS = "('alembic_version', 'asyncmig_history')"
_POSTGRESQL = {
    "columns": f"""
        SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
            col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
        AND c.relname NOT IN {_THEIRS} AND c.relname !~ '^(alembic|asyncmig)_'
        ORDER BY c.relname, a.attnum""",
    "constraints": f"""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text NOT IN {_THEIRS} ORDER BY 1, 2""",
    "indexes": f"""
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND tablename NOT IN {_THEIRS} ORDER BY 1""",
    "types": """
        SELECT t.typname, e.enumlabel FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
        ORDER BY t.typname, e.enumsortorder""",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
}


def catalogue(url: str) -> dict[str, Any]:
    """Return everything but the two histories: what is there, and what is in it."""
    if url.startswith("sqlite:"):
        return _sqlite(url.removeprefix("sqlite:///"))
    return asyncio.run(_postgresql(url))


async def _postgresql(url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        found: dict[str, Any] = {
            name: [tuple(row.values()) for row in await connection.fetch(query)]
            for name, query in _POSTGRESQL.items()
        }
        tables = sorted({row[0] for row in found["columns"] if row[1] == b"r"})
        for table in tables:
            rows = await connection.fetch(f'SELECT * FROM "{table}"')
            found[f"rows of {table}"] = sorted(map(_timeless, rows))
    finally:
        await connection.close()
    return found


def _sqlite(path: str) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        made = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master "
            f"WHERE tbl_name NOT IN {_THEIRS} ORDER BY type, name"
        ).fetchall()
        found: dict[str, Any] = {"made": [(*row[:3], _parts(row[3])) for row in made]}
        connection.row_factory = sqlite3.Row
        for kind, name, *_ in made:
            if kind == "table":
                rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()
                found[f"rows of {name}"] = sorted(map(_timeless, rows))
    return found


def _parts(sql: str | None) -> list[str]:
    """Return the lines of a CREATE, sorted: alembic copies constraints in no certain order."""
    return sorted(re.sub(r",\s*$", "", line).strip() for line in (sql or "").splitlines())


def _timeless(row: Any) -> str:  # noqa: ANN401 - of either driver
    """Return a row without the moment at which it was made."""
    return repr({name: row[name] for name in row.keys() if name != "created_at"})  # noqa: SIM118 - a row of SQLite has no other way
