"""What is known of another tool, and what its tables say. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Listed, Reads
from asyncmig.foreign import ForeignRow, ForeignTable

if TYPE_CHECKING:
    from asyncmig.adopt.files import MigrationFile

_SECONDS, _MILLISECONDS, _MICROSECONDS = 1e11, 1e14, 1e17
"""From where on a number cannot be seconds, milliseconds, microseconds since 1970 any more."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that another tool has applied.

    Attributes:
        key: What that tool calls it.
        version: The version of its file, where the tool goes by numbers.
        names: What its file may be called, without an ending, where the tool goes by names. They
            are tried before the version.
        order: Its place in the order, where only the file's name says what it is.
        name: What to call it if there is no file.
        at: When it was applied, where the tool has written that down.
        checksum: Of its file, as the tool spells it.
        previous: What the checksum is chained to, where it is.
        repeatable: Whether it has no version.
    """

    key: str
    version: str | None = None
    names: tuple[str, ...] = ()
    order: str | None = None
    name: str = ""
    at: datetime | None = None
    checksum: str | None = None
    previous: str | None = None
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a history cannot be taken over as it is.

    Attributes:
        sentence: What is wrong.
        hint: What to do.
        keys: The migrations that it is about.
    """

    sentence: str
    hint: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignHistory:
    """What another tool says of a database.

    Attributes:
        applied: What it has applied, in its order.
        through: The version up to which every file is applied, for tools that keep one number.
        heads: The revisions that are applied together with all that they follow (alembic).
        baseline: The version up to which it was told that the database is migrated.
        trouble: What stops us; ``None`` when all is well.
    """

    applied: tuple[Applied, ...] = ()
    through: str | None = None
    heads: tuple[str, ...] = ()
    baseline: str | None = None
    trouble: Trouble | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the tool has not done anything yet."""
        return not (self.applied or self.through or self.heads or self.baseline or self.trouble)


Rows = Sequence[ForeignRow]
Interpret = Callable[[Rows, Mapping[str, Rows]], ForeignHistory]
"""What the rows of the table, and of those beside it, say. They come in no order."""

Pair = tuple[Applied, "MigrationFile"]
Changed = Callable[[Sequence[Pair], "Sequence[MigrationFile]"], Iterable[Applied]]
"""Which files are not what was applied, given those that match and all there are."""


def _no_locks(_table: ForeignTable) -> tuple[int, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Tool:
    """Another tool, and how to read what it wrote.

    Attributes:
        name: Its name.
        table: Its table; ``schema.table`` where the schema is always the same on PostgreSQL.
        columns: By which the table is recognised, and which are read.
        interpret: What the rows say.
        optional: Columns that are read where there are some.
        is_exact: Whether the table has no other columns than these.
        other_tables: What else the table may be called, or where else it may be.
        beside: Tables that may stand beside it, and what is read of them.
        needs: Tables without which it is another tool's.
        excludes: Tables with which it is another tool's.
        locks: The advisory locks that the tool takes while it runs (PostgreSQL).
        changed: Which files are not what was applied; ``None`` where the tool cannot tell.
        reads: What has to be read of the files.
        listed: What a list beside the files says of them, where the tool goes by that.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    interpret: Interpret
    optional: tuple[str, ...] = ()
    is_exact: bool = False
    other_tables: tuple[str, ...] = ()
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    locks: Callable[[ForeignTable], tuple[int, ...]] = _no_locks
    changed: Changed | None = None
    reads: Reads = Reads.NAMES
    listed: Listed | None = None

    def called(self, table: str) -> Tool:
        """Return the same tool with a table of another name."""
        return replace(self, table=table, other_tables=())

    def recognises(self, table: ForeignTable) -> bool:
        """Tell whether a table has this tool's columns."""
        found, wanted = set(table.columns), set(self.columns)
        return found == wanted if self.is_exact else found >= wanted


def is_true(value: str | None) -> bool:
    """Tell what a boolean is, which SQLite keeps as a number or a word."""
    return value is not None and value.lower() in {"t", "true", "1"}


def number(value: str | None) -> int:
    """Return a whole number, 0 for none."""
    return int(value or 0)


def moment(value: str | None) -> datetime | None:
    """Return a point in time in UTC, ``None`` when it cannot be understood.

    SQLite keeps what a tool gave it: ISO 8601, with a zone or in UTC, or a number since 1970.
    """
    if not value:
        return None
    try:
        if value.isdigit():
            return datetime.fromtimestamp(_seconds(int(value)), UTC)
        found = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _seconds(count: int) -> float:
    for limit, per_second in ((_SECONDS, 1), (_MILLISECONDS, 1e3), (_MICROSECONDS, 1e6)):
        if count < limit:
            return count / per_second
    return count / 1e9


def leading_digits(name: str) -> str | None:
    """Return the digits that a name begins with, ``None`` when it begins with none."""
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return digits or None


def rest_of(name: str) -> str:
    """Return a name without the digits that it begins with."""
    return name.lstrip("0123456789").lstrip("_-.") or name
