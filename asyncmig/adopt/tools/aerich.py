"""aerich: a row per file and application, without a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, leading_digits, number, rest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(rows, key=lambda row: number(row["id"]))
    names = dict.fromkeys((row["version"] or "").removesuffix(".py") for row in ordered)
    return ForeignHistory(
        tuple(
            Applied(name, names=(name,), order=leading_digits(name), name=rest_of(name))
            for name in names
        )
    )


AERICH = Tool(
    name="aerich",
    table="aerich",
    columns=("id", "version", "app", "content"),
    interpret=_interpret,
)
