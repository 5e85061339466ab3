"""A folder of three migrations, and the checksums that other tools keep of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asyncmig.adopt.tools.flyway import crc32_of_lines
from tests.adopt.tables import FLYWAY, SQLX

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adopt.tables import Made

FILES = {
    "1_one.sql": "CREATE TABLE one (id integer PRIMARY KEY);\n",
    "2_two.sql": "CREATE TABLE two (id integer PRIMARY KEY);\n",
    "3_three.sql": "CREATE TABLE three (id integer PRIMARY KEY);\n",
}
REVISIONS = ("a1a1a1a1a1a1", "b2b2b2b2b2b2", "c3c3c3c3c3c3")


def write_files(folder: Path, made: Made) -> None:
    """Write the three files, as somebody has them who used that tool."""
    for (name, text), revision in zip(FILES.items(), REVISIONS, strict=True):
        head = f"-- alembic: revision {revision}\n" if made.tool == "alembic" else ""
        (folder / name).write_text(head + text)


def rows_of(made: Made, database_url: str) -> str:
    """Return what puts the rows into the table of a tool, with the checksums of the files."""
    one, two = (text.encode() for text in list(FILES.values())[:2])
    if made is SQLX:
        wrapper = "'\\x{}'" if database_url.startswith("postgresql") else "x'{}'"
        hashes = [wrapper.format(hashlib.sha384(text).hexdigest()) for text in (one, two)]
        return made.rows.format(one=hashes[0], two=hashes[1])
    if made is FLYWAY:
        return made.rows.format(one=crc32_of_lines(one), two=crc32_of_lines(two))
    return made.rows
