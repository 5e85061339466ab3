"""sql-migrate: a row per file, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    leading_digits,
    moment,
    rest_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    named = sorted((row["id"] or "", row["applied_at"]) for row in rows)
    return ForeignHistory(
        tuple(_applied(name.removesuffix(".sql"), name, at) for name, at in named)
    )


def _applied(stem: str, name: str, at: str | None) -> Applied:
    return Applied(
        name, names=(stem,), order=leading_digits(stem), name=rest_of(stem), at=moment(at)
    )


SQL_MIGRATE = Tool(
    name="sql-migrate",
    table="gorp_migrations",
    columns=("id", "applied_at"),
    interpret=_interpret,
)
