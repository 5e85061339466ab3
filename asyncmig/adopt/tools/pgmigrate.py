"""yandex-pgmigrate: a row per version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(rows, key=lambda row: number(row["version"]))
    return ForeignHistory(
        tuple(
            Applied(
                str(row["version"]),
                version=row["version"],
                name=(row["description"] or "").replace(" ", "_"),
                at=moment(row["installed_on"]),
            )
            for row in ordered
        )
    )


PGMIGRATE = Tool(
    name="pgmigrate",
    table="schema_version",
    columns=("version", "description", "type", "installed_by", "installed_on"),
    is_exact=True,
    interpret=_interpret,
)
