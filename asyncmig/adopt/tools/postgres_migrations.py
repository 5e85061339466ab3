"""postgres-migrations (Node): a row per file, with a hash of its name and its text.

Sources: ThomWright/postgres-migrations, ``migration-file.ts`` and ``with-lock.ts``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number
from asyncmig.adopt.verification import each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable


_LOCK = -8525285245963000605


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Leave number 0 out: that is the file with which it makes its own table."""
    ordered = sorted(rows, key=lambda row: number(row["id"]))
    return ForeignHistory(
        tuple(
            Applied(
                str(row["id"]),
                version=row["id"],
                name=row["name"] or "",
                at=moment(row["executed_at"]),
                checksum=row["hash"],
            )
            for row in ordered
            if number(row["id"])
        )
    )


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    name = file.file_name.encode()
    texts = (name + form for form in file.line_end_forms)
    return applied.checksum in {
        hashlib.sha1(text, usedforsecurity=False).hexdigest() for text in texts
    }


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


POSTGRES_MIGRATIONS = Tool(
    name="postgres-migrations",
    table="migrations",
    columns=("id", "name", "hash", "executed_at"),
    is_exact=True,
    interpret=_interpret,
    locks=_locks,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
