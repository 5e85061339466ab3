"""sqlx: a row per version, with a checksum of the file."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, Trouble, is_true, moment, number
from asyncmig.adopt.verification import each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable

_SALT = 0x3D32AD9E


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(rows, key=lambda row: number(row["version"]))
    failed = tuple(str(row["version"]) for row in ordered if not is_true(row["success"]))
    applied = tuple(
        Applied(
            str(row["version"]),
            version=row["version"],
            name=(row["description"] or "").replace(" ", "_"),
            at=moment(row["installed_on"]),
            checksum=row["checksum"],
        )
        for row in ordered
        if is_true(row["success"])
    )
    return ForeignHistory(applied, trouble=_unfinished(failed) if failed else None)


def _unfinished(failed: tuple[str, ...]) -> Trouble:
    return Trouble(
        f"sqlx began version {failed[0]} and did not finish it",
        "look at what of it is in the database, put that right, correct or delete its row in "
        "_sqlx_migrations, and adopt then",
        failed,
    )


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    """Compare SHA-384 of the bytes; a check-out with other line ends is no change (sqlx #2659)."""
    return applied.checksum in {hashlib.sha384(form).hexdigest() for form in file.line_end_forms}


def _locks(table: ForeignTable) -> tuple[int, ...]:
    return (_SALT * zlib.crc32(table.database.encode()),)


SQLX = Tool(
    name="sqlx",
    table="_sqlx_migrations",
    columns=("version", "description", "installed_on", "success", "checksum"),
    interpret=_interpret,
    locks=_locks,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
