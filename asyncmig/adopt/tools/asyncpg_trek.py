"""asyncpg-trek: a row per step from one revision to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Follow the steps: one that leads back takes away what came after it.

    On SQLite every id is NULL, and the rows come in the order in which they were written.
    """
    path: dict[str, Applied] = {}
    for row in sorted(rows, key=lambda row: number(row["id"])):
        revision = row["to_revision"] or "initial"
        if revision in path or revision == "initial":
            path = _up_to(path, revision)
        else:
            at = moment(row["timestamp"])
            path[revision] = Applied(revision, version=revision, names=(revision,), at=at)
    return ForeignHistory(tuple(path.values()))


def _up_to(path: Mapping[str, Applied], revision: str) -> dict[str, Applied]:
    kept: dict[str, Applied] = {}
    for known, applied in path.items():
        if revision == "initial":
            break
        kept[known] = applied
        if known == revision:
            break
    return kept


ASYNCPG_TREK = Tool(
    name="asyncpg-trek",
    table="migrations",
    columns=("id", "from_revision", "to_revision", "timestamp"),
    is_exact=True,
    interpret=_interpret,
)
