"""Find and read tables of other tools, inside the thread of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.records import fetch
from asyncmig.engines.sqlite.table import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.sqlite.connection import Raw
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading


def find_tables(raw: Raw, names: Iterable[str]) -> tuple[ForeignTable, ...]:
    """Find tables by their names, whatever their case, with one query. There are no views."""
    from asyncmig.foreign import tables_from

    # A schema that a tool always uses on PostgreSQL says nothing here.
    wanted = ", ".join(literal(name.rpartition(".")[2].lower()) for name in names)
    return tables_from(
        fetch(
            raw,
            "SELECT '', 'main', m.name, lower(c.name), c.type "
            "FROM main.sqlite_master m, pragma_table_info(m.name, 'main') c "
            f"WHERE m.type = 'table' AND lower(m.name) IN ({wanted}) ORDER BY m.name, c.cid",
        )
    )


def read_table(raw: Raw, reading: Reading) -> list[ForeignRow]:
    """Read the columns of a table, every value as text."""
    shown = ", ".join(map(identifier, reading.columns))
    found = fetch(raw, f"SELECT {shown} FROM main.{identifier(reading.table.name)}")
    return reading.rows([tuple(map(_text, row)) for row in found])


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
