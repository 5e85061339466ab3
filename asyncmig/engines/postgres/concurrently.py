"""Build and drop indexes concurrently, and find out what became of one that was cut off.

``CREATE INDEX CONCURRENTLY`` that is cut off leaves an INVALID index behind, over which a retry
with ``IF NOT EXISTS`` would succeed and leave it invalid (golang-migrate #960). See PostgreSQL
manual, "CREATE INDEX", "Building Indexes Concurrently".
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.settings import milliseconds
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.errors import MigrationFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.plan import Step
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
_NAMESPACE = f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace"


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


def is_concurrent(statement: Statement) -> bool:
    """Tell whether a statement may leave something behind although it is refused."""
    return "CONCURRENTLY" in statement.sql.upper()


async def fate_of(wire: Wire, work: IndexWork) -> IndexFate:
    """Look an index up that has a name."""
    row = await wire.one(
        "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid "
        f"{EQUALS} pg_catalog.to_regclass({literal(await _place(wire, work))})"
    )
    if row is None:
        return IndexFate.ABSENT
    return IndexFate.VALID if row == ("t",) else IndexFate.INVALID


@asynccontextmanager
async def whole(wire: Wire, step: Step, work: IndexWork | None) -> AsyncGenerator[None]:
    """Send the statement inside this block, and no invalid index is left, or an error says so.

    What an earlier build left behind under that name is dropped first: the statement would be
    refused because of it, or with ``IF NOT EXISTS`` succeed and leave it invalid.

    Raises:
        MigrationFailedError: The index is being built by somebody else, or came out invalid.
    """
    if work is None or work.table is None:
        yield
        return
    before = await _make_way(wire, step, work)
    try:
        yield
    except MigrationFailedError:
        for index in await _invalid(wire, work) - before:
            await _drop(wire, index)
        raise
    if left := await _invalid(wire, work) - before:
        raise _failed(step, f"left an invalid index: {', '.join(sorted(left))}", "run again")


async def _make_way(wire: Wire, step: Step, work: IndexWork) -> frozenset[str]:
    """Drop an invalid index of the name that is wanted, and return the other invalid ones."""
    invalid = await _invalid(wire, work)
    if work.name is None or await fate_of(wire, work) is not IndexFate.INVALID:
        return invalid
    place = await _place(wire, work)
    if await _is_being_built(wire, place):
        hint = "wait until it is done, then run again"
        raise _failed(step, f"another session is building the index {place}", hint)
    await _drop(wire, place)
    return await _invalid(wire, work)


async def _invalid(wire: Wire, work: IndexWork) -> frozenset[str]:
    """Return the invalid indexes of the table that is being indexed, as SQL spells them."""
    rows = await wire.fetch(
        f"SELECT {_PLACE} FROM pg_catalog.pg_index i "
        f"JOIN pg_catalog.pg_class c ON c.oid {EQUALS} i.indexrelid {_NAMESPACE} "
        f"WHERE NOT i.indisvalid AND c.relkind {EQUALS} 'i' "
        f"AND i.indrelid {EQUALS} pg_catalog.to_regclass({literal(work.table or '')})"
    )
    return frozenset(f"{schema}.{name}" for schema, name in rows)


async def _is_being_built(wire: Wire, index: str) -> bool:
    """Tell whether another session is at work on the index, as far as this role may see."""
    row = await wire.one(
        "SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid "
        f"{EQUALS} pg_catalog.to_regclass({literal(index)})"
    )
    return row is not None


async def _drop(wire: Wire, index: str) -> None:
    await wire.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")


def _failed(step: Step, what: str, hint: str) -> MigrationFailedError:
    return MigrationFailedError(
        f"migration {step.key} failed ({step.script.path}): {what}",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint=hint,
    )


class NoLockTimeout:
    """Switch ``lock_timeout`` off for a statement: an index build that gives up is left invalid.

    One that the file has set for itself stays.
    """

    def __init__(self, wire: Wire, ours: float | None) -> None:
        self._wire = wire
        self._ours = str(milliseconds(ours))

    async def __aenter__(self) -> None:
        """Switch it off, if it is ours."""
        await self._switch(self._ours, "0")

    async def __aexit__(self, *exc_info: object) -> None:
        """Switch it on again, unless the statement was refused: the session ends then anyway."""
        if exc_info[0] is None:
            await self._switch("0", self._ours)

    async def _switch(self, before: str, after: str) -> None:
        await self._wire.execute(
            f"SELECT pg_catalog.set_config(name, {literal(after)}, false) "
            f"FROM pg_catalog.pg_settings WHERE name {EQUALS} 'lock_timeout' "
            f"AND setting {EQUALS} {literal(before)}"
        )


async def _place(wire: Wire, work: IndexWork) -> str:
    """Return the name with the schema of the table that it belongs to."""
    name = work.name or ""
    if work.table is None:
        return name
    row = await wire.one(
        f"SELECT {_PLACE} FROM pg_catalog.pg_class c {_NAMESPACE} "
        f"WHERE c.oid {EQUALS} pg_catalog.to_regclass({literal(work.table or '')})"
    )
    return name if row is None else f"{row[0]}.{name}"
