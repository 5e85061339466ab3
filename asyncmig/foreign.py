"""Tables of other tools, as they are found in a database and read. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ForeignRow = dict[str, str | None]
"""A row by its columns, every value as text.

Instants are ISO 8601 where the database knows that they are some, and bytes are hexadecimal."""


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """A table that asyncmig has not made.

    Attributes:
        schema: Where it is; ``main`` on SQLite.
        name: What it is called, as the database spells it.
        columns: The type of each column, as the database calls it. On SQLite the names are in
            lower case, which makes no difference there.
        database: What the server calls the database; empty on SQLite.
    """

    schema: str
    name: str
    columns: Mapping[str, str] = field(hash=False)
    database: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.schema}.{self.name}" if self.database else self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of a table of another tool.

    Attributes:
        table: The table.
        columns: Which of its columns, in this order.
    """

    table: ForeignTable
    columns: Sequence[str]

    def rows(self, found: Sequence[Sequence[str | None]]) -> list[ForeignRow]:
        """Return what was read, by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in found]


def tables_from(found: Sequence[Sequence[str | None]]) -> tuple[ForeignTable, ...]:
    """Return the tables that a list of columns makes.

    Args:
        found: Database, schema, table, column and type of each column, table after table.
    """
    columns: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in found:
        database, schema, table, column, kind = (part or "" for part in row)
        columns.setdefault((database, schema, table), {})[column] = kind
    return tuple(
        ForeignTable(schema, table, types, database)
        for (database, schema, table), types in columns.items()
    )
