"""drizzle: a row per file, by the time that its journal has; since version 1 also by its name.

Sources: drizzle-team/drizzle-orm, ``pg-core/dialect.ts`` and ``up-migrations/pg.ts``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    leading_digits,
    moment,
    number,
    rest_of,
)
from asyncmig.adopt.verification import each
from asyncmig.sources.formats.drizzle import moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignRow


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Go by ``created_at``, as drizzle does; on SQLite every id was NULL before version 1."""
    ordered = sorted(rows, key=_created)
    return ForeignHistory(tuple(_applied(row, place) for place, row in enumerate(ordered)))


def _created(row: ForeignRow) -> int:
    """Return milliseconds since 1970, which SQLite may keep as a float."""
    return number((row["created_at"] or "").partition(".")[0])


def _applied(row: ForeignRow, place: int) -> Applied:
    """Return what a row says. A journal counts from 0, so a row has the place of its file.

    When a project changes from a journal to folders, their names keep no milliseconds.
    """
    created = _created(row)
    name = row.get("name") or ""
    stamps = (str(created), str(created // 1000 * 1000))
    return Applied(
        name or str(created),
        names=(name, *stamps) if name else stamps,
        order=leading_digits(name) or str(place),
        name=rest_of(name),
        at=moment(row.get("applied_at")),
        checksum=row["hash"],
    )


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    return applied.checksum in {hashlib.sha256(form).hexdigest() for form in file.line_end_forms}


DRIZZLE = Tool(
    name="drizzle",
    table="drizzle.__drizzle_migrations",
    other_tables=("__drizzle_migrations",),
    columns=("id", "hash", "created_at"),
    optional=("name", "applied_at"),
    interpret=_interpret,
    changed=each(_is_same),
    reads=Reads.CONTENT,
    listed=moments,
)
