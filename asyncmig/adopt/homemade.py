"""A table of one's own: a column of it has the versions, or the names of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, leading_digits
from asyncmig.migration import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def homemade(table: str, column: str) -> Tool:
    """Return what reads a home-made table.

    Args:
        table: Its name, with its schema where it is elsewhere.
        column: What says what has been applied.
    """

    def interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
        values = sorted({row[column] or "" for row in rows})
        return ForeignHistory(tuple(map(_applied, values)))

    return Tool(name=f"the table {table}", table=table, columns=(column,), interpret=interpret)


def _applied(value: str) -> Applied:
    """Take a value for a version if it can be one, else for a name, with or without an ending."""
    stem = value.removesuffix(".sql").removesuffix(".py").removesuffix(".up")
    if Version.parse(value) is not None:
        return Applied(value, version=value)
    return Applied(value, names=(stem,), order=leading_digits(stem), name=stem)
