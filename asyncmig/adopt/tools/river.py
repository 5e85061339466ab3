"""River: a row per line and version; its own files are those of the line ``main``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Keep the main line. Before its fifth version the table had no other."""
    main = [row for row in rows if row.get("line", "main") == "main"]
    ordered = sorted(main, key=lambda row: number(row["version"]))
    return ForeignHistory(
        tuple(
            Applied(str(row["version"]), version=row["version"], at=moment(row["created_at"]))
            for row in ordered
        )
    )


RIVER = Tool(
    name="river",
    table="river_migration",
    columns=("version", "created_at"),
    optional=("line",),
    interpret=_interpret,
)
