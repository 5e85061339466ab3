"""graphile-migrate: a chain of hashes, each of a file and the one before it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, leading_digits, moment
from asyncmig.adopt.verification import each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable


_LOCK = 4727445306447283
_HEADER = re.compile(r"(?:--! [A-Z][a-zA-Z0-9_]*(?::.*)?\n)*")


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Take ``000001.sql`` for version 1: what a person called it is not written down."""
    ordered = sorted(rows, key=lambda row: row["filename"] or "")
    return ForeignHistory(
        tuple(
            Applied(
                row["filename"] or "",
                version=leading_digits(row["filename"] or ""),
                at=moment(row["date"]),
                checksum=row["hash"],
                previous=row["previous_hash"],
            )
            for row in ordered
        )
    )


def hash_of(previous: str | None, content: bytes) -> str:
    """Return the hash of a committed file, without its header."""
    text = content.decode(errors="replace").replace("\r\n", "\n")
    header = _HEADER.match(text)
    body = text[header.end() :] if header else text
    chained = f"{previous or ''}\n{body.strip()}".strip() + "\n"
    return f"sha1:{hashlib.sha1(chained.encode(), usedforsecurity=False).hexdigest()}"


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    if b"--! AllowInvalidHash" in file.content:
        return True
    return applied.checksum == hash_of(applied.previous, file.content)


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


GRAPHILE_MIGRATE = Tool(
    name="graphile-migrate",
    table="graphile_migrate.migrations",
    columns=("hash", "previous_hash", "filename", "date"),
    interpret=_interpret,
    locks=_locks,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
