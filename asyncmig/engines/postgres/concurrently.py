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

from asyncmig.engines.postgres.table import EQUALS, literal

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.sql import Statement

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_CREATE = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?:(?!ON\b)(?P<index>{_NAME})\s*)?\bON\s+(?:ONLY\s+)?(?P<table>{_QUALIFIED})",
    re.IGNORECASE,
)
_DROP = re.compile(
    rf"DROP\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+EXISTS\s+)?(?P<index>{_QUALIFIED})\s*"
    r"(?:RESTRICT\s*)?\Z",
    re.IGNORECASE,
)
_PLACE = "pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname)"
_NAMESPACE = (
    f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace"
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
        name: As the statement spells it; ``None`` when it leaves the choice to the server.
        table: The table, for one that is built: the index gets its schema. ``None`` for a drop.
    """

    name: str | None
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
    """Look an index up that has a name."""
    row = await wire.one(
        "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid "
        f"{EQUALS} pg_catalog.to_regclass({literal(await place_of(wire, work))})"
    )
    if row is None:
        return IndexFate.ABSENT
    return IndexFate.VALID if row == ("t",) else IndexFate.INVALID


async def invalid_indexes(wire: Wire, work: IndexWork) -> frozenset[str]:
    """Return the invalid indexes of the table that is being indexed, as SQL spells them."""
    if work.table is None:
        return frozenset()
    rows = await wire.fetch(
        f"SELECT {_PLACE} FROM pg_catalog.pg_index i "
        f"JOIN pg_catalog.pg_class c ON c.oid {EQUALS} i.indexrelid {_NAMESPACE} "
        f"WHERE NOT i.indisvalid AND c.relkind {EQUALS} 'i' "
        f"AND i.indrelid {EQUALS} pg_catalog.to_regclass({literal(work.table)})"
    )
    return frozenset(f"{schema}.{name}" for schema, name in rows)


async def is_being_built(wire: Wire, index: str) -> bool:
    """Tell whether another session is at work on the index, as far as this role may see."""
    row = await wire.one(
        "SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid "
        f"{EQUALS} pg_catalog.to_regclass({literal(index)})"
    )
    return row is not None


async def drop(wire: Wire, index: str) -> None:
    """Drop what a build that was cut off left behind."""
    await wire.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")


async def place_of(wire: Wire, work: IndexWork) -> str:
    """Return the name with the schema of the table that it belongs to."""
    name = work.name or ""
    if work.table is None:
        return name
    row = await wire.one(
        f"SELECT {_PLACE} FROM pg_catalog.pg_class c {_NAMESPACE} "
        f"WHERE c.oid {EQUALS} pg_catalog.to_regclass({literal(work.table)})"
    )
    return name if row is None else f"{row[0]}.{name}"
