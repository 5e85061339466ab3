"""diesel: a row per version, which is the name of the folder without dashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment
from asyncmig.sources.formats.diesel import diesel_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    found = sorted((row["version"] or "", row["run_on"]) for row in rows)
    return ForeignHistory(
        tuple(Applied(text, version=_version(text), at=moment(at)) for text, at in found)
    )


def _version(text: str) -> str | None:
    """Return the version that a folder of that name has here; diesel compares them as text."""
    try:
        return diesel_version(text).text
    except ValueError:
        return None


DIESEL = Tool(
    name="diesel",
    table="__diesel_schema_migrations",
    columns=("version", "run_on"),
    interpret=_interpret,
)
