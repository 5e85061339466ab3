"""golang-migrate: one row, with the newest version and whether it was finished."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from asyncmig.adopt.tool import ForeignHistory, Tool, Trouble, is_true, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignTable

_SALT = 1486364155


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    if not rows:
        return ForeignHistory()
    version = number(rows[0]["version"])
    if version < 0:  # everything was taken down again
        return ForeignHistory()
    if is_true(rows[0]["dirty"]):
        return ForeignHistory(trouble=_dirty(version))
    return ForeignHistory(through=str(version))


def _dirty(version: int) -> Trouble:
    return Trouble(
        f"golang-migrate began version {version} and did not finish it (dirty)",
        "look at what of it is in the database, put that right, say so with "
        f"`migrate force {version}` or `migrate force` and the version before, and adopt then",
        (str(version),),
    )


def _locks(table: ForeignTable) -> tuple[int, ...]:
    """Return both numbers: the program hashes the path of its URL, a library the bare name."""
    return tuple(_lock(table, name) for name in (table.database, f"/{table.database}"))


def _lock(table: ForeignTable, database: str) -> int:
    text = f"{table.schema}\0{table.name}\0{database}"
    return zlib.crc32(text.encode()) * _SALT % 2**32


GOLANG_MIGRATE = Tool(
    name="golang-migrate",
    table="schema_migrations",
    columns=("version", "dirty"),
    is_exact=True,
    interpret=_interpret,
    locks=_locks,
)
