"""Prisma: a row per try, with a checksum of the file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    Trouble,
    leading_digits,
    moment,
    rest_of,
)
from asyncmig.adopt.verification import each
from asyncmig.sources.formats.numbering import version_sorted_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignRow, ForeignTable


_LOCK = 72707369


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Keep the tries that came to their end; those that were rolled back do not count."""
    tries = sorted(
        (row for row in rows if row["rolled_back_at"] is None),
        key=lambda row: (row["migration_name"] or "", row["started_at"] or ""),
    )
    failed = [row["migration_name"] or "" for row in tries if row["finished_at"] is None]
    applied = tuple(_applied(row) for row in tries if row["finished_at"] is not None)
    return ForeignHistory(applied, trouble=_failed(failed) if failed else None)


def _applied(row: ForeignRow) -> Applied:
    name = row["migration_name"] or ""
    return Applied(
        name,
        names=(name,),
        order=_version(name),
        name=rest_of(name),
        at=moment(row["finished_at"]),
        checksum=row["checksum"],
    )


def _version(name: str) -> str | None:
    """Return the version that a folder of that name has here; Prisma compares them as text."""
    digits = leading_digits(name)
    if digits is None:
        return None
    return version_sorted_as_text(digits, name.removeprefix(digits)).text


def _failed(names: list[str]) -> Trouble:
    return Trouble(
        f"Prisma began {names[0]} and did not finish it",
        "look at what of it is in the database, put that right, say so with `prisma migrate "
        f"resolve --applied {names[0]}` or `--rolled-back`, and adopt then",
        tuple(names),
    )


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    return applied.checksum in {hashlib.sha256(form).hexdigest() for form in file.line_end_forms}


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


PRISMA = Tool(
    name="prisma",
    table="_prisma_migrations",
    columns=("migration_name", "checksum", "started_at", "finished_at", "rolled_back_at"),
    interpret=_interpret,
    locks=_locks,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
