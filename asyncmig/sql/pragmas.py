"""Reads SQLite's PRAGMA statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sql.dialect import Dialect
from asyncmig.sql.statements import statement_tokens

if TYPE_CHECKING:
    from asyncmig.sql.statements import Statement

# sqlite3GetBoolean(): a number that is not zero, or one of these words; all else is off.
ON = frozenset({"on", "yes", "true"})
QUOTES = "'\"`[]"


@dataclass(frozen=True, slots=True)
class Pragma:
    """Hold a PRAGMA statement.

    Attributes:
        name: The pragma's name in lower case, without the schema in front of it.
        value: What it is set to or called with, in lower case and without quotes; None when the
            statement only asks.
    """

    name: str
    value: str | None


def pragma(statement: Statement) -> Pragma | None:
    """Read a PRAGMA statement of SQLite; None for a statement of another kind."""
    if statement.words[:1] != ("PRAGMA",):
        return None
    name, *rest = statement_tokens(statement, Dialect.SQLITE)[1:] or [""]
    if rest[:1] == ["."]:
        name, *rest = rest[1:] or [""]
    value = "".join(rest[1:-1] if rest[:1] == ["("] else rest[1:])
    return Pragma(name.strip(QUOTES).lower(), value.strip(QUOTES).lower() if rest else None)


def foreign_keys_pragma(statement: Statement) -> bool | None:
    """Return what `PRAGMA foreign_keys = …` (or `(…)`) sets; None for any other statement.

    SQLite ignores it inside a transaction, so a runner has to take it out in front of its BEGIN
    (https://sqlite.org/pragma.html#pragma_foreign_keys). As SQLite does, it takes every value
    that is not true for false.
    """
    found = pragma(statement)
    if found is None or found.name != "foreign_keys" or found.value is None:
        return None
    return found.value in ON or (found.value.isdecimal() and bool(int(found.value) & 0xFF))
