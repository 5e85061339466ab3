"""Ask the catalogue what became of an index that was being built or dropped concurrently.

``CREATE INDEX CONCURRENTLY`` that is cut off leaves an INVALID index behind, over which a retry
with ``IF NOT EXISTS`` would succeed and leave it invalid (golang-migrate #960). See PostgreSQL
manual, "CREATE INDEX", "Building Indexes Concurrently".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.sql import Statement

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_CREATE = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<index>{_NAME})"
    rf"\s+ON\s+(?:ONLY\s+)?(?P<table>{_QUALIFIED})",
    re.IGNORECASE,
)
_DROP = re.compile(
    rf"DROP\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+EXISTS\s+)?(?P<index>{_QUALIFIED})\s*"
    r"(?:RESTRICT\s*)?\Z",
    re.IGNORECASE,
)


class IndexFate(StrEnum):
    """What the catalogue says of an index."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class IndexWork:
    """An index that a statement builds or drops concurrently.

    Attributes:
        name: As the statement spells it.
        table: The table, for one that is built: the index gets its schema. ``None`` for a drop.
    """

    name: str
    table: str | None

    @property
    def finished(self) -> IndexFate:
        """How the index is found when the statement did its work."""
        return IndexFate.ABSENT if self.table is None else IndexFate.VALID


def index_of(statement: Statement) -> IndexWork | None:
    """Return the index that a statement builds or drops, if it is such a statement.

    Only plain spellings are understood; for others a person is asked.
    """
    if found := _CREATE.match(statement.sql):
        return IndexWork(found["index"], found["table"])
    if found := _DROP.match(statement.sql):
        return IndexWork(found["index"], None)
    return None


async def fate_of(wire: Wire, work: IndexWork) -> IndexFate:
    """Look the index up."""
    row = await wire.one(
        "SELECT i.indisvalid::int::text AS valid FROM pg_catalog.pg_index i "
        "WHERE i.indexrelid = pg_catalog.to_regclass($1::text)",
        await _qualified(wire, work),
    )
    if row is None:
        return IndexFate.ABSENT
    return IndexFate.VALID if row["valid"] == "1" else IndexFate.INVALID


async def drop(wire: Wire, work: IndexWork) -> None:
    """Drop what a build that was cut off left behind."""
    await wire.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {await _qualified(wire, work)}")


async def _qualified(wire: Wire, work: IndexWork) -> str:
    """Return the name with the schema of the table that it belongs to."""
    if work.table is None:
        return work.name
    row = await wire.one(
        "SELECT pg_catalog.quote_ident(n.nspname)::text AS place FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = pg_catalog.to_regclass($1::text)",
        work.table,
    )
    return work.name if row is None else f"{row['place']}.{work.name}"
