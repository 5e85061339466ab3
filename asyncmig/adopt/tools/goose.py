"""goose: a row for each thing that was done to a version; the newest one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, is_true, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignRow, ForeignTable

_LOCK = 4097083626
"""The CRC-32 of ``goose``."""


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Keep the newest row of each version; version 0 only says that the table was made.

    Up to its second release goose appended a row for a way down, too, and took none away.
    """
    last: dict[int, ForeignRow] = {}
    for row in sorted(rows, key=lambda row: number(row["id"])):
        last[number(row["version_id"])] = row
    return ForeignHistory(
        tuple(
            Applied(str(version), version=str(version), at=moment(row["tstamp"]))
            for version, row in sorted(last.items())
            if version > 0 and is_true(row["is_applied"])
        )
    )


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


GOOSE = Tool(
    name="goose",
    table="goose_db_version",
    columns=("id", "version_id", "is_applied", "tstamp"),
    interpret=_interpret,
    locks=_locks,
)
