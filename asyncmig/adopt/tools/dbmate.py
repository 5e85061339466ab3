"""dbmate: a row per version, and nothing else about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def versions(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Take every row for a version that is applied."""
    found = sorted((row["version"] or "" for row in rows), key=lambda text: (len(text), text))
    return ForeignHistory(tuple(Applied(text, version=text) for text in found))


DBMATE = Tool(
    name="dbmate",
    table="schema_migrations",
    columns=("version",),
    is_exact=True,
    excludes=("ar_internal_metadata",),
    interpret=versions,
)
