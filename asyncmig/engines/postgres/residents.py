"""What is in a database that asyncmig has not made, and the system neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.settings import setting
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.engines.postgres.transaction import Transaction
from asyncmig.engines.rows import COLUMNS

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
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
    if search_path is None:
        rows = await wire.fetch(_query(table))
    else:
        rows = await _along(wire, search_path, _query(table))
    return [f"{schema}.{name}" for schema, name in rows]


async def _along(wire: Wire, search_path: str, query: str) -> list[Row]:
    """Ask with another search path, of which nothing is left."""
    transaction = Transaction(wire)
    try:
        return await transaction.begin(setting("search_path", search_path, local=True), query)
    finally:
        await transaction.roll_back()


def _query(table: HistoryTable) -> str:
    """Return the question.

    A schema that has another history of asyncmig is that one's, such as that of a library or of
    another tenant. What an extension brought (PostgreSQL manual, "pg_depend") does not count, such
    as ``spatial_ref_sys`` of PostGIS. A partition stands with its table.
    """
    schema, name, locks = map(literal, (table.schema, table.name, table.name_of_locks))
    columns = literal(f"{{{','.join(COLUMNS)}}}")
    return f"""
        SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace
        WHERE (n.nspname {EQUALS} {schema}
            OR n.nspname {EQUALS} ANY (pg_catalog.current_schemas(false)))
        AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|information_schema$)'
        AND c.relkind {EQUALS} ANY ({_KINDS}) AND NOT c.relispartition
        AND c.relname OPERATOR(pg_catalog.<>) ALL (ARRAY[{name}, {locks}]::pg_catalog.name[])
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class h
            JOIN pg_catalog.pg_attribute a ON a.attrelid {EQUALS} h.oid
            WHERE h.relnamespace {EQUALS} n.oid AND h.relkind {EQUALS} 'r'
            AND NOT (h.relname {EQUALS} {name} AND n.nspname {EQUALS} {schema})
            AND a.attname {EQUALS} ANY ({columns}::pg_catalog.name[])
            GROUP BY h.oid HAVING pg_catalog.count(*) {EQUALS} {len(COLUMNS)})
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
            WHERE d.classid {EQUALS} 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid {EQUALS} c.oid AND d.deptype {EQUALS} 'e')
        ORDER BY n.nspname, c.relname"""
