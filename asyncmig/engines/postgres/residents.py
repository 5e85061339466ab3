"""What is in a database that asyncmig has not made, and the system neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.settings import setting
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.engines.postgres.transaction import Transaction

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.table import HistoryTable

_KINDS = "'{r,p,v,m,f}'"
"""Tables, partitioned tables, views, materialized views and foreign tables, as in pg_class."""


async def residents(wire: Wire, table: HistoryTable, search_path: str | None) -> list[str]:
    """Name the tables and views of the history's schema and of the search path, sorted.

    Args:
        wire: The connection, not in a transaction.
        table: The history table.
        search_path: That of every migration; ``None`` for the server's.
    """
    path = "" if search_path is None else setting("search_path", search_path, local=True)
    transaction = Transaction(wire)
    try:
        rows = await transaction.begin(path, _query(table))
    finally:
        await transaction.roll_back()
    return [f"{schema}.{name}" for schema, name in rows]


def _query(table: HistoryTable) -> str:
    """Return the question.

    The schemas of others who migrate with asyncmig do not count, nor does what an extension brought
    (PostgreSQL manual, "pg_depend"), such as ``spatial_ref_sys`` of PostGIS. A partition stands
    with its table.
    """
    schema, name, locks = map(literal, (table.schema, table.name, table.name_of_locks))
    return f"""
        SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace
        WHERE (n.nspname {EQUALS} {schema}
            OR n.nspname {EQUALS} ANY (pg_catalog.current_schemas(false)))
        AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|information_schema$)'
        AND c.relkind {EQUALS} ANY ({_KINDS}) AND NOT c.relispartition
        AND c.relname OPERATOR(pg_catalog.<>) ALL (ARRAY[{name}, {locks}]::pg_catalog.name[])
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class h
            WHERE h.relnamespace {EQUALS} n.oid AND h.relname {EQUALS} {name}
            AND n.nspname OPERATOR(pg_catalog.<>) {schema})
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
            WHERE d.classid {EQUALS} 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid {EQUALS} c.oid AND d.deptype {EQUALS} 'e')
        ORDER BY n.nspname, c.relname"""
