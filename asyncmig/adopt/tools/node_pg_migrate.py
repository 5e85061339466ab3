"""node-pg-migrate: a row per file, by its name without an ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    leading_digits,
    moment,
    number,
    rest_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable


_LOCK = 7241865325823964


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(rows, key=lambda row: number(row["id"]))
    named = ((row["name"] or "", row["run_on"]) for row in ordered)
    return ForeignHistory(
        tuple(
            Applied(
                name, names=(name,), order=leading_digits(name), name=rest_of(name), at=moment(at)
            )
            for name, at in named
        )
    )


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


NODE_PG_MIGRATE = Tool(
    name="node-pg-migrate",
    table="pgmigrations",
    columns=("id", "name", "run_on"),
    interpret=_interpret,
    locks=_locks,
)
