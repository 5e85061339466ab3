"""Rails: the same table as dbmate's, with another one beside it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Tool
from asyncmig.adopt.tools.dbmate import versions

if TYPE_CHECKING:
    from asyncmig.foreign import ForeignTable

_SALT = 2053462845
"""``ActiveRecord::Migrator::MIGRATOR_SALT``."""


def _locks(table: ForeignTable) -> tuple[int, ...]:
    return (_SALT * zlib.crc32(table.database.encode()),)


RAILS = Tool(
    name="rails",
    table="schema_migrations",
    columns=("version",),
    is_exact=True,
    needs=("ar_internal_metadata",),
    interpret=versions,
    locks=_locks,
)
