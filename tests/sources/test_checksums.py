"""Checksums without migrations: equal to those of `load`, or none at all; and counted calls."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from asyncmig.errors import SourceError
from asyncmig.sources import load, read_checksums, sql_file
from asyncmig.sources.quick_look import has_foreign_marker
from asyncmig.sql import Dialect, lexer
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from asyncmig.glance import Checksums

UP, DOWN = "-- migrate:up\n", "-- migrate:down\n"
pieces = st.sampled_from(
    [
        UP,
        DOWN,
        "-- migrate:up transaction:false\n",
        "--migrate:down\n",
        " -- migrate:down\n",
        "-- Migrate:Up\n",
        "-- migrating\n",
        "-- Migration 17: a view\n",
        "--\x1cmigrate down\n",
        "-- ",
        "-- +goose Down\n",
        "SELECT 1;\n",
        "'",
        '"',
        "$$",
        "\n",
        "E'\\'",
        "/*",
        "*/",
        "--",
        "-",
        "/",
        "[",
        "`",
        "\r",
        "\ufeff",
        "ü",
        "\\",
        "\x00",
        "it's",
        ";",
    ]
)
contents = st.lists(pieces, max_size=9).map("".join)
file_names = st.sampled_from(
    [
        "1_a.sql",
        "01_b.sql",
        "2_b.up.sql",
        "2_b.down.sql",
        "2_b.sql",
        "R__view.sql",
        "R__v.up.sql",
        "3_c.d.sql",
        "4_e.py",
        "4_e.up.py",
        "five.sql",
        "notes.txt",
        "_6_f.sql",
        "7_g.DOWN.sql",
    ]
)
PYTHON = "async def up(connection): ...\n"


def loaded(folder: MigrationFolder, dialect: Dialect) -> Checksums | None:
    """Return the checksums by the long way; nothing when a file is wrong."""
    try:
        found = load(folder, dialect)
    except SourceError:
        return None
    return {m.name if m.version is None else m.version.number: m.checksum for m in found}


@given(st.dictionaries(file_names, contents, max_size=4), st.sampled_from(Dialect))
@example({"1_a.sql": "'-- migrate:up\n-- +goose Down\n"}, Dialect.SQLITE)
def test_the_short_way_gives_the_checksums_of_the_long_one(
    files: dict[str, str], dialect: Dialect
) -> None:
    """Whatever the files are called, and whatever their markers hide in."""
    with TemporaryDirectory() as name:
        folder = MigrationFolder(Path(name))
        for file_name, content in files.items():
            folder.write(file_name, PYTHON if file_name.endswith(".py") else content)

        assert read_checksums(folder, dialect) in (None, loaded(folder, dialect))


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "content",
    [
        f"{UP}SELECT '\n{DOWN}';\n",
        f"{UP}SELECT 'it''s\n{DOWN}';\n",
        f'{UP}SELECT 1 AS "\n{DOWN}";\n',
        f"{UP}/*\n{DOWN}*/ SELECT 1;\n",
        f"{UP}SELECT $$\n{DOWN}$$;\n",
        f"{UP}SELECT E'\\'\n{DOWN}';\n",
        f"{UP}SELECT 1 AS [a'\n{DOWN}b'];\n",
        f"{UP}SELECT `a'\n{DOWN}b'`;\n",
        f"{UP}-- it's\nSELECT 1;\n{DOWN}SELECT 2;\n",
        f"{UP}SELECT 1 - 2 / 3, 'a--b';\n{DOWN}SELECT 2;\n",
        f"{UP}SELECT 1;\n{DOWN}{DOWN}",
        f"{UP}{UP}",
        f"SELECT 1;\n{UP}SELECT 2;\n",
        f"-- about\n{UP}SELECT 2;\n",
        f"{DOWN}{UP}",
        DOWN,
        UP.rstrip(),
        "",
    ],
)
def test_a_marker_counts_where_the_lexer_says_so(
    migration_folder: MigrationFolder, content: str, dialect: Dialect
) -> None:
    """Not in what is quoted: the part of the file that is hashed would be another one."""
    migration_folder.write("1_a.sql", content)

    assert loaded(migration_folder, dialect) == read_checksums(migration_folder, dialect)


@pytest.mark.parametrize(
    "names",
    [
        ["1_a.down.sql"],
        ["1_a.sql", "1_a.down.sql"],
        ["1_a.sql", "01_b.sql"],
        ["1_a.sql", "1_a.up.sql"],
        ["1_a.up.sql", "1_a.down.sql", "1_b.down.sql"],
        ["1_a.sql", "2b.sql"],
        ["1_a.sql", "R__v.up.sql"],
        ["README.md"],
        [],
    ],
)
def test_files_that_do_not_go_together_are_left_to_the_long_way(
    migration_folder: MigrationFolder, names: list[str]
) -> None:
    """Which says what is wrong with them."""
    for name in names:
        migration_folder.write(name, "SELECT 1;\n")

    assert loaded(migration_folder, Dialect.SQLITE) is None
    assert read_checksums(migration_folder, Dialect.SQLITE) is None


def test_a_folder_without_a_version_is_left_to_the_long_way(
    migration_folder: MigrationFolder,
) -> None:
    """They may be in folders below, as those of Flyway are: then this would be half of it."""
    migration_folder.write("R__v.sql", "SELECT 1;\n")
    (migration_folder.path / "2026").mkdir()
    migration_folder.write("2026/V1__a.sql", "SELECT 2;\n")

    found = loaded(migration_folder, Dialect.SQLITE)

    assert found is not None
    assert {1, "v"} == set(found)
    assert read_checksums(migration_folder, Dialect.SQLITE) is None


@given(contents, st.sampled_from(Dialect))
def test_the_up_part_that_needs_no_lexer_is_the_one_that_the_lexer_finds(
    content: str, dialect: Dialect
) -> None:
    """A marker inside a string, a quoted name or a comment is none, however short the look."""
    assume(not has_foreign_marker(content.replace("\r", "\n")))  # left to the long way
    with TemporaryDirectory() as name:
        folder = MigrationFolder(Path(name))
        folder.write("1_a.sql", UP + content)

        assert loaded(folder, dialect) == read_checksums(folder, dialect)


@pytest.fixture
def ordinary(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with a file of every usual form."""
    migration_folder.write("1_plain.sql", "CREATE TABLE a (b text DEFAULT 'c''s -- d');\n")
    marked = f"{UP}CREATE TABLE a (b text DEFAULT 'it''s; -- c'); -- d\n\n{DOWN}DROP TABLE a;\n"
    migration_folder.write("2_marked.sql", marked)
    migration_folder.write("3_irreversible.sql", f"{UP}SELECT 1;\n")
    migration_folder.write("4_pair.up.sql", "SELECT 1;\n")
    migration_folder.write("4_pair.down.sql", "SELECT 2;\r\n")
    migration_folder.write("5_in.python.py", PYTHON)
    migration_folder.write("6_prose.sql", "-- Migration 6: a view\nSELECT 1;\n")
    migration_folder.write("R__view.sql", "CREATE VIEW v AS SELECT 1;\n")
    migration_folder.write("README.md", "not a migration")
    return migration_folder


def test_ordinary_files_are_read_once_and_not_parsed(
    ordinary: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One open per file, no lexer, no syntax tree, and no value per file."""
    expected = loaded(ordinary, Dialect.POSTGRESQL)
    reads: Counter[str] = Counter()
    open_file = os.open

    def counted(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        reads[Path(path).name] += path != ordinary.path
        return open_file(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", counted)
    monkeypatch.setattr(sql_file, "read_sql", None)
    monkeypatch.setattr(lexer, "marks", None)

    assert expected == read_checksums(ordinary, Dialect.POSTGRESQL)
    assert Counter({name.name: 1 for name in ordinary.path.glob("[1-9R]*_*")}) == +reads


def test_a_long_file_is_read_to_its_end(migration_folder: MigrationFolder) -> None:
    """Not only as far as the first read goes."""
    migration_folder.write("1_seed.sql", "SELECT 1;\n" * 50_000)

    assert loaded(migration_folder, Dialect.SQLITE) == read_checksums(
        migration_folder, Dialect.SQLITE
    )


@pytest.mark.parametrize("source", ["nowhere", "package:nowhere", ""])
def test_a_place_that_cannot_be_listed_is_left_to_the_long_way(source: str) -> None:
    """Which says what is wrong with it."""
    assert read_checksums(source, Dialect.SQLITE) is None
