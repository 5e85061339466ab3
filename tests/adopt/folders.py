"""A folder of three migrations, and the checksums that other tools keep of them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from asyncmig.adopt.tools.flyway import crc32_of_lines
from asyncmig.adopt.tools.graphile_migrate import hash_of
from asyncmig.adopt.tools.refinery import checksums
from tests.adopt.tables import (
    ASYNCPG_TREK,
    ATLAS,
    DRIZZLE,
    FLYWAY,
    GRAPHILE,
    POSTGRES_MIGRATIONS,
    PRISMA,
    REFINERY,
    SQITCH,
    SQLX,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.adopt.tables import Made

FILES = {
    "1_one.sql": "CREATE TABLE one (id integer PRIMARY KEY);\n",
    "2_two.sql": "CREATE TABLE two (id integer PRIMARY KEY);\n",
    "3_three.sql": "CREATE TABLE three (id integer PRIMARY KEY);\n",
}
REVISIONS = ("a1a1a1a1a1a1", "b2b2b2b2b2b2", "c3c3c3c3c3c3")
ONE, TWO = (text.encode() for text in list(FILES.values())[:2])
WITH_CHECKSUM = (ATLAS, DRIZZLE, FLYWAY, GRAPHILE, POSTGRES_MIGRATIONS, PRISMA, REFINERY, SQLX)


def write_files(folder: Path, made: Made) -> None:
    """Write the three files, as somebody has them who used that tool."""
    for (name, text), revision in zip(FILES.items(), REVISIONS, strict=True):
        head = f"-- alembic: revision {revision}\n" if made.tool == "alembic" else ""
        (folder / name).write_text(head + text)


def rows_of(made: Made, database_url: str) -> str:
    """Return what puts the rows into the table of a tool, with the checksums of the files."""
    is_postgres = database_url.startswith("postgresql")
    if made is ASYNCPG_TREK and not is_postgres:
        return made.rows  # every id is NULL there
    if made is SQITCH:
        return made.rows.format(changes="sqitch.changes" if is_postgres else "changes")
    if made not in WITH_CHECKSUM:
        return made.rows
    one, two = _CHECKSUMS[made.tool]()
    if made is SQLX:
        one, two = (f"'\\x{h}'" if is_postgres else f"x'{h}'" for h in (one, two))
    elif made is not FLYWAY:
        one, two = f"'{one}'", f"'{two}'"
    schema = "drizzle." if made is DRIZZLE and is_postgres else ""
    return made.rows.format(one=one, two=two, schema=schema)


def _of_atlas() -> tuple[str, str]:
    first = b"1_one.sql" + ONE
    texts = (first, first + b"2_two.sql" + TWO)
    one, two = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in texts)
    return one, two


def _of_graphile() -> tuple[str, str]:
    one = hash_of(None, ONE)
    return one, hash_of(one, TWO)


def _sha1(text: bytes) -> str:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _of_refinery() -> tuple[str, str]:
    return min(checksums("one", 1, ONE)), max(checksums("two", 2, TWO))


_CHECKSUMS: dict[str, Callable[[], tuple[str, str]]] = {
    "atlas": _of_atlas,
    "drizzle": lambda: (hashlib.sha256(ONE).hexdigest(), hashlib.sha256(TWO).hexdigest()),
    "flyway": lambda: (str(crc32_of_lines(ONE)), str(crc32_of_lines(TWO))),
    "graphile-migrate": _of_graphile,
    "postgres-migrations": lambda: (_sha1(b"1_one.sql" + ONE), _sha1(b"2_two.sql" + TWO)),
    "prisma": lambda: (hashlib.sha256(ONE).hexdigest(), hashlib.sha256(TWO).hexdigest()),
    "refinery": _of_refinery,
    "sqlx": lambda: (hashlib.sha384(ONE).hexdigest(), hashlib.sha384(TWO).hexdigest()),
}
