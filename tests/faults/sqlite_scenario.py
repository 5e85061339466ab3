"""What the scenario has on SQLite alone: a Python file without a transaction, and a rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.sql import Dialect
from tests.faults.scenario import STEPWISE_VERSION, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

_EXTRAS = """\
transaction = False


async def up(connection):
    await connection.execute("CREATE TABLE extras (id INTEGER)")


async def down(connection):
    await connection.execute("DROP TABLE extras")
"""

TRUTH = {"006": "SELECT count(*) FROM sqlite_master WHERE name = 'extras'"}
"""What a person asks the database, to tell whether a migration is in it that was stopped in the
middle. Of no other version may anybody be asked."""

AUTHORS_OWN = {"CREATE TABLE extras (id INTEGER)", "DROP TABLE extras"}
"""What only its author could try again: in Python, and without a transaction."""

_FAMILY = """\
-- migrate:up
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE children (
  id INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE
);
INSERT INTO parents VALUES (1, 'Ada'), (2, 'Max');
INSERT INTO children VALUES (10, 1), (20, 2), (21, 2);
-- migrate:down
DROP TABLE children;
DROP TABLE parents;
"""
_REBUILD = """\
-- migrate:up foreign_keys:off
CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO rebuilt SELECT * FROM parents;
DROP TABLE parents;
ALTER TABLE rebuilt RENAME TO parents;
-- migrate:down foreign_keys:off
CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO rebuilt SELECT * FROM parents;
DROP TABLE parents;
ALTER TABLE rebuilt RENAME TO parents;
"""

CHILDREN = ("children", "('10', '1')", "('20', '2')", "('21', '2')")
"""The rows of a snapshot that a rebuild of their parents must keep."""


def write_single_scenario(folder: Path) -> None:
    """Write those that can share a transaction into a folder, which is made."""
    write_sqlite_scenario(folder)
    for version in WITHOUT_TRANSACTION:
        (apart,) = folder.glob(f"{version}_*")
        apart.unlink()


KEYS = ("001", "002", "003", "004", "005", "006", "007", "008", "R__report")
"""All migrations, in their order."""


WITHOUT_TRANSACTION = (STEPWISE_VERSION, *TRUTH)


def write_sqlite_scenario(folder: Path) -> None:
    """Write the migrations into a folder, which is made."""
    write_scenario(folder, Dialect.SQLITE)
    for name, text in {
        "006_extras.py": _EXTRAS,
        "007_family.sql": _FAMILY,
        "008_rebuild.sql": _REBUILD,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
