"""yoyo: a row per file, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    Trouble,
    leading_digits,
    moment,
    rest_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows

_LOCK_TABLE = "yoyo_lock"


def _interpret(rows: Rows, beside: Mapping[str, Rows]) -> ForeignHistory:
    named = sorted((row["migration_id"] or "", row["applied_at_utc"]) for row in rows)
    applied = tuple(
        Applied(
            name,
            names=(name,),
            order=leading_digits(name),
            name=rest_of(name),
            at=moment(at),
        )
        for name, at in named
    )
    holders = beside.get(_LOCK_TABLE, ())
    return ForeignHistory(applied, trouble=_locked(holders[0]["pid"]) if holders else None)


def _locked(pid: str | None) -> Trouble:
    return Trouble(
        f"yoyo holds its lock (process {pid})",
        "wait until it has ended; if it is gone already, `yoyo break-lock` removes what it left",
    )


YOYO = Tool(
    name="yoyo",
    table="_yoyo_migration",
    columns=("migration_hash", "migration_id", "applied_at_utc"),
    beside={_LOCK_TABLE: ("pid",)},
    interpret=_interpret,
)
