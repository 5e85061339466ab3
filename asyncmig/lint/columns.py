"""What a new column costs, read from its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.words import has_phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

_SERIAL = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2"})
_VOLATILE = frozenset(
    {
        "CLOCK_TIMESTAMP",
        "GEN_RANDOM_UUID",
        "NEXTVAL",
        "RANDOM",
        "TIMEOFDAY",
        "UUID_GENERATE_V1",
        "UUID_GENERATE_V4",
        "UUIDV4",
        "UUIDV7",
    }
)
"""Functions that give each row another value; ``now()`` is the same for all of them."""


def added_column_cost(definition: Sequence[str]) -> str:
    """Return what ADD COLUMN costs on PostgreSQL, as a phrase; empty for nothing.

    A default is kept in the catalogue since PostgreSQL 11, unless it is another one for each row.

    Args:
        definition: What follows the name of the column.
    """
    words = frozenset(definition)
    if words & _SERIAL or has_phrase(definition, "AS IDENTITY"):
        return "writes the whole table anew"
    if "STORED" in words or ("DEFAULT" in words and words & _VOLATILE):
        return "writes the whole table anew"
    if "UNIQUE" in words or has_phrase(definition, "PRIMARY KEY"):
        return "builds an index"
    return "reads every row to check it" if "CHECK" in words else ""
