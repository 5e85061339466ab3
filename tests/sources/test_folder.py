"""What it takes to read a folder, in counts that cannot regress silently."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.sources import load, sql_file
from asyncmig.sources.entry import Entry
from asyncmig.sources.sql_file import read_closely
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from asyncmig.migration import Direction, SqlScript
    from asyncmig.sources.names import FileName
    from asyncmig.sources.place import Text
    from tests.migration_folder import MigrationFolder

LONG_HEAD = "-- " + "x" * (1 << 16) + "\n"


def test_each_file_is_opened_once_though_many_formats_look_at_it(
    migration_folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it begins tells whose it is, and mostly that is all of it."""
    migration_folder.write("1_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n")
    migration_folder.write("2_b.up.sql", "SELECT 1;\n")
    migration_folder.write("2_b.down.sql", "SELECT 2;\n")
    migration_folder.write("3_c.py", "async def up(connection): ...\n")
    migration_folder.write("R__d.sql", "SELECT 1;\n")
    opened: Counter[str] = Counter()
    open_file = os.open

    def counted(path: Path, flags: int) -> int:
        opened[path.name] += 1
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", counted)
    monkeypatch.setattr(Path, "open", None)
    load(migration_folder, Dialect.SQLITE)

    assert Counter(path.name for path in migration_folder.path.iterdir()) == opened


def test_plain_files_are_read_without_the_lexer(
    migration_folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder has thousands of them: they have two markers, one, or none."""
    migration_folder.write("1_a.sql", "-- migrate:up\nSELECT 'a''b';\n-- migrate:down\nSELECT 2;\n")
    migration_folder.write("2_b.sql", "-- migrate:up\nSELECT 1;\n")
    migration_folder.write("3_c.sql", "SELECT 1;\n")
    closely: list[str] = []

    def counted(text: Text, name: FileName, dialect: Dialect) -> Mapping[Direction, SqlScript]:
        closely.append(name.key)
        return read_closely(text, name, dialect)

    monkeypatch.setattr(sql_file, "read_closely", counted)
    load(migration_folder, Dialect.SQLITE)

    assert [] == closely

    migration_folder.write("4_d.sql", "-- migrate:up phase:post\nSELECT 1;\n")
    migration_folder.write("5_e.sql", "-- migrate:up\nSELECT $$a$$;\n-- migrate:down\nSELECT 2;\n")
    load(migration_folder, Dialect.SQLITE)

    assert ["4", "5"] == closely


def test_what_is_longer_than_its_beginning_is_read_to_its_end(
    migration_folder: MigrationFolder,
) -> None:
    """A seed says at its top whose it is."""
    migration_folder.write("1_a.sql", LONG_HEAD)
    migration_folder.write("2_b.sql", "short")

    long, short = (Entry(migration_folder.path / name) for name in ("1_a.sql", "2_b.sql"))

    assert (LONG_HEAD.encode(), False) == (long.read_bytes(), long.is_short)
    assert (b"short", True) == (short.read_bytes(), short.is_short)


def test_a_file_that_comes_in_small_reads_is_whole(
    migration_folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system may give less than what it was asked for; only nothing is the end."""
    migration_folder.write("1_a.sql", "SELECT 1;\n")
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, size: read(file, min(size, 3)))

    assert b"SELECT 1;\n" == Entry(migration_folder.path / "1_a.sql").read_bytes()
