"""Piccolo: a row per application and migration, which is named after its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Take the digits of ``2021-08-28T12:15:43:926410`` for the version of a file."""
    ordered = sorted(rows, key=lambda row: number(row["id"]))
    named = {row["name"] or "": moment(row["ran_on"]) for row in ordered}
    return ForeignHistory(
        tuple(
            Applied(name, version=_digits(name), names=(name,), at=at) for name, at in named.items()
        )
    )


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


PICCOLO = Tool(
    name="piccolo",
    table="migration",
    columns=("id", "name", "app_name", "ran_on"),
    interpret=_interpret,
)
