"""What is found in a database of other tools, and what is taken over of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from asyncmig.history import HistoryEntry

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


@dataclass(frozen=True, slots=True)
class ForeignMigration:
    """A migration in the history of another tool, or a file that this history should have.

    Attributes:
        key: What the tool calls it; empty for a file that the tool has not applied.
        version: The version of the file, or ``R__name``; without a file what the tool's own name
            says of it, if anything.
        name: What the file is called, or else the tool's name.
        file: The file; ``None`` when there is none.
        applied_at: When it was applied, in UTC, where the tool has written that down.
    """

    key: str
    version: str | None
    name: str
    file: str | None = None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdoptReport:
    """What was taken over from another tool, or would be.

    Attributes:
        database: The database's address, without a password.
        tool: Whose history it is; ``None`` when there is none of any tool.
        table: Where it is; ``None`` when there is none.
        description: One sentence: what is taken over.
        matched: Applied, with a file, in the order of the files.
        without_file: Applied, without a file.
        out_of_order: Files that are not applied, and older than the newest that is.
        changed: Matched, and not what was applied, by the tool's checksum.
        verified: How many files were compared with a checksum of the tool.
        adopted: How many rows are new in our history, or would be.
        entries: The rows that were written; none for a dry run.
    """

    database: str
    tool: str | None
    table: str | None
    description: str
    matched: tuple[ForeignMigration, ...] = ()
    without_file: tuple[ForeignMigration, ...] = ()
    out_of_order: tuple[ForeignMigration, ...] = ()
    changed: tuple[ForeignMigration, ...] = ()
    verified: int = 0
    adopted: int = 0
    entries: tuple[HistoryEntry, ...] = ()
