"""Sqitch: a row per change that is deployed, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, leading_digits, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable


_LOCK = 75474063


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Take the changes by their names. Its plan, and not their names, is what orders them."""
    ordered = sorted(rows, key=lambda row: row["committed_at"] or "")
    named = ((row["change"] or "", row["committed_at"]) for row in ordered)
    return ForeignHistory(
        tuple(
            Applied(name, names=(name,), order=leading_digits(name), name=name, at=moment(at))
            for name, at in named
        )
    )


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


SQITCH = Tool(
    name="sqitch",
    table="sqitch.changes",
    columns=("change_id", "change", "project", "committed_at"),
    interpret=_interpret,
    locks=_locks,
)
