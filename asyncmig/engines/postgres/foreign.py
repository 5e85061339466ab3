"""Find and read tables of other tools, without running anybody's code.

Only tables, no views, and only columns of types that came with the server: to read a column of
somebody's own type as text may run a cast of his, with the rights of whoever reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import EQUALS, instant, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading

_INSTANTS = {"timestamptz": "{}", "timestamp": "{}::pg_catalog.timestamptz"}
"""How a column of that type is made a point in time. One without a zone is of the session's, which
is how the server itself reads it."""


async def find_tables(
    wire: Wire, names: Iterable[str], table: HistoryTable, settings: EngineSettings
) -> tuple[ForeignTable, ...]:
    """Find tables by their names, with one query.

    Args:
        wire: The connection.
        names: ``schema.table``; or a table in the schema of the history, or in one that the
            migrations have on their search path.
        table: The history.
        settings: How to work.
    """
    from asyncmig.foreign import tables_from

    return tables_from(await wire.fetch(_query(names, table, settings)))


async def read_table(wire: Wire, reading: Reading) -> list[ForeignRow]:
    """Read the columns of a table, every value as text."""
    table = reading.table
    shown = ", ".join(_shown(column, table.columns[column]) for column in reading.columns)
    query = f"SELECT {shown} FROM {quoted(table.schema)}.{quoted(table.name)}"
    return reading.rows(await wire.fetch(query))


def _shown(column: str, kind: str) -> str:
    if kind == "bytea":
        return f"pg_catalog.encode({quoted(column)}, 'hex')"
    if kind in _INSTANTS:
        return instant(_INSTANTS[kind].format(quoted(column)))
    return quoted(column)


def _query(names: Iterable[str], table: HistoryTable, settings: EngineSettings) -> str:
    return (
        "SELECT pg_catalog.current_database(), n.nspname, c.relname, a.attname, t.typname "
        "FROM pg_catalog.pg_class c "
        f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace "
        f"JOIN pg_catalog.pg_attribute a ON a.attrelid {EQUALS} c.oid "
        f"JOIN pg_catalog.pg_type t ON t.oid {EQUALS} a.atttypid "
        f"JOIN pg_catalog.pg_namespace o ON o.oid {EQUALS} t.typnamespace "
        f"WHERE c.relkind {EQUALS} ANY ('{{r,p}}') AND NOT a.attisdropped "
        f"AND a.attnum OPERATOR(pg_catalog.>) 0 AND o.nspname {EQUALS} 'pg_catalog' "
        f"AND ({' OR '.join(_places(names, table, settings))}) "
        "ORDER BY n.nspname, c.relname, a.attnum"
    )


def _places(names: Iterable[str], table: HistoryTable, settings: EngineSettings) -> Iterable[str]:
    """Yield conditions, one of which is true of a table that is looked for."""
    plain: list[str] = []
    for name in names:
        schema, dot, relation = name.rpartition(".")
        if dot:
            is_there = f"n.nspname {EQUALS} {literal(schema)}"
            yield f"({is_there} AND c.relname {EQUALS} {literal(relation)})"
        else:
            plain.append(name)
    if plain:
        schemas = _schemas(table, settings)
        yield f"(c.relname {EQUALS} ANY ({_array(plain)}) AND n.nspname {EQUALS} ANY ({schemas}))"


def _schemas(table: HistoryTable, settings: EngineSettings) -> str:
    """Return where the migrations make their tables, and where the history is."""
    if settings.search_path is None:
        ours = _array([table.schema])
        return f"{ours} OPERATOR(pg_catalog.||) pg_catalog.current_schemas(false)"
    path = [part.strip().strip('"') for part in settings.search_path.split(",")]
    return _array([table.schema, *path])


def _array(names: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, names))}]::pg_catalog.name[]"
