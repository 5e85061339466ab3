"""Recognise what a statement does concurrently, so that it can be found out what became of it.

Only plain spellings are understood; for others a person is asked. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.sql import Dialect, autocommit_reason, spelled_out

if TYPE_CHECKING:
    from asyncmig.sql import Statement

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED = rf"{_NAME}(?: \. {_NAME})?"
_CREATE = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?"
    rf"(?:(?!ON\b)(?P<index>{_NAME}) )?ON (?:ONLY )?(?P<table>{_QUALIFIED}) .*",
    re.IGNORECASE,
)
_DROP = re.compile(
    rf"DROP INDEX CONCURRENTLY (?:IF EXISTS )?(?P<index>{_QUALIFIED})(?: RESTRICT)?",
    re.IGNORECASE,
)
_REINDEX = re.compile(
    rf"REINDEX (?:\( [^)]* \) )?(?P<scope>INDEX|TABLE|SCHEMA|DATABASE)(?: CONCURRENTLY)?"
    rf"(?: (?P<name>{_QUALIFIED}))?",
    re.IGNORECASE,
)
_DETACH = re.compile(
    rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(?P<parent>{_QUALIFIED}) "
    rf"DETACH PARTITION (?P<partition>{_QUALIFIED}) CONCURRENTLY",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Creation:
    """An index that is built.

    Attributes:
        name: As the statement spells it; ``None`` when it leaves the choice to the server.
        table: The table: the index gets its schema.
    """

    name: str | None
    table: str


@dataclass(frozen=True, slots=True)
class Removal:
    """An index that is dropped.

    Attributes:
        name: As the statement spells it.
    """

    name: str


class Scope(StrEnum):
    """How much is rebuilt."""

    INDEX = "INDEX"
    TABLE = "TABLE"
    SCHEMA = "SCHEMA"
    DATABASE = "DATABASE"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """Indexes that are rebuilt.

    Attributes:
        scope: How much.
        name: Of the index, the table or the schema, as the statement spells it; may be empty for
            the database.
    """

    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class Detachment:
    """A partition that is detached.

    Attributes:
        parent: The partitioned table, as the statement spells it.
        partition: The partition.
    """

    parent: str
    partition: str

    @property
    def finish(self) -> str:
        """The statement that ends it when it was cut off in the middle."""
        return f"ALTER TABLE {self.parent} DETACH PARTITION {self.partition} FINALIZE"


Work = Creation | Removal | Rebuilding | Detachment


def work_of(statement: Statement) -> Work | None:
    """Return what a statement does concurrently, if it is such a statement and plainly spelled."""
    if not is_concurrent(statement):
        return None
    text = spelled_out(statement, Dialect.POSTGRESQL)
    if found := _CREATE.fullmatch(text):
        return Creation(found["index"], found["table"])
    if found := _DROP.fullmatch(text):
        return Removal(found["index"])
    if found := _REINDEX.fullmatch(text):
        return Rebuilding(Scope(found["scope"].upper()), found["name"] or "")
    if found := _DETACH.fullmatch(text):
        return Detachment(found["parent"], found["partition"])
    return None


def is_concurrent(statement: Statement) -> bool:
    """Tell whether a statement works concurrently.

    Such a one waits for others without keeping them from their work, and may leave something
    behind although it is refused.
    """
    return "CONCURRENTLY" in (autocommit_reason(statement, Dialect.POSTGRESQL) or "")
