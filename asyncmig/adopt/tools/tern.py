"""tern: one number, up to which the files are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import ForeignHistory, Tool, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable


_LOCK = 9628173550095224


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    version = number(rows[0]["version"]) if rows else 0
    return ForeignHistory(through=str(version) if version > 0 else None)


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


TERN = Tool(
    name="tern",
    table="schema_version",
    columns=("version",),
    is_exact=True,
    interpret=_interpret,
    locks=_locks,
)
