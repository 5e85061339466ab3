"""What a person sees in a PostgreSQL database after a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.engines.postgres.ground import connected, until
from tests.faults.scenario import HISTORY, Snapshot, active_rows

if TYPE_CHECKING:
    from tests.faults.scenario import Trail

_CATALOGUE = """
SELECT 'column', c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
UNION ALL
SELECT 'index', pg_get_indexdef(i.indexrelid), i.indisvalid::text, i.indisready::text, '', ''
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'partition', inhrelid::regclass::text, inhparent::regclass::text,
       inhdetachpending::text, '', ''
  FROM pg_inherits
UNION ALL
SELECT 'view', viewname, definition, '', '', '' FROM pg_views WHERE schemaname = 'public'
ORDER BY 1, 2, 3, 4, 5
"""
_TABLES = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'asyncmig_history'
 ORDER BY relname
"""
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'asyncmig/%' AND datname = $1
"""
_LOCKS = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
 WHERE l.locktype = 'advisory' AND d.datname = $1
"""
_QUIET_SECONDS = 10.0  # what a dying backend takes, and more


async def snapshot(url: str) -> Snapshot:
    """Return what is in the database."""
    async with connected(url) as connection:
        history = await _trail(connection)
        catalogue = _texts(await connection.fetch(_CATALOGUE))
        data: list[tuple[str, ...]] = []
        for (name,) in await connection.fetch(_TABLES):
            rows = await connection.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")
            data.append((name, *[text for (text,) in rows]))
    return Snapshot(catalogue, tuple(data), active_rows(history), history)


async def trail(url: str) -> Trail:
    """Return the rows of the history, which may not be there yet."""
    async with connected(url) as connection:
        return await _trail(connection)


async def _trail(connection: Any) -> Trail:  # noqa: ANN401 - asyncpg's
    if await connection.fetchval("SELECT to_regclass('public.asyncmig_history')") is None:
        return ()
    return _texts(await connection.fetch(HISTORY))


async def until_quiet(side: Any, url: str) -> None:  # noqa: ANN401 - asyncpg's
    """Return when no session and no lock of a runner is left in the database.

    Args:
        side: A connection to another database of the server.
        url: The database.
    """
    name = urlsplit(url).path[1:]

    async def is_quiet() -> bool:
        return (await side.fetchval(_SESSIONS, name), await side.fetchval(_LOCKS, name)) == (0, 0)

    await until(is_quiet, _QUIET_SECONDS)


def _texts(rows: list[Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(value) for value in row) for row in rows)
