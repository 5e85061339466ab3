"""Files that are too long to be kept: read piece by piece, they are what they are as a whole."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.errors import SourceError
from asyncmig.migration import LongScript, Migration, SqlScript
from asyncmig.sources import checksums, load, long_file, read_checksums
from asyncmig.sources.entry import Entry
from asyncmig.sources.long_file import LongFile
from asyncmig.sources.place import Place
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.migration_folder import MigrationFolder

UP, DOWN = "-- migrate:up\n", "-- migrate:down\n"
SEED = "INSERT INTO t VALUES (1, 'é');\n" * 9
PIECES = [
    *[UP, DOWN, "-- migrate:up transaction:false\n", "-- migrate:up retries:3 phase:post\n"],
    *["-- migrate:up batch:9\n", "-- migrate:down batch:9\n"],
    *["--migrate:down\n", "-- Migrate:Up\n", "-- migrating\n", "-- +goose Down\n", "-- up:\n"],
    *["SELECT 1;\n", "SELECT 1", "'", "$$", "/*", "*/", "E'a'\n", "\n", "\r", "\r\n", "\ufeff"],
    *["BEGIN;\n", "COMMIT;\n", "PRAGMA foreign_keys = off;\n", "VACUUM;\n", "\0", "\\"],
]
contents = st.tuples(
    st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    st.just(SEED) | st.just(SEED.replace("\n", "\r\n")) | st.just(""),
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
).map("".join)
file_names = st.sampled_from(["1_a.sql", "1_a.up.sql", "R__a.sql"])
dialects = st.sampled_from(Dialect)


@contextmanager
def long_from(length: int, *, piece: int = 64) -> Generator[None]:
    """Let files be long from that length on, and be read in small pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_file, "LONG", length)
        patch.setattr(checksums, "LONG", length)
        patch.setattr(checksums, "_AT_ONCE", 16)
        patch.setattr(Entry, "is_short", False)
        patch.setattr(long_file, "PIECE", piece)
        yield


def loaded(folder: Path, dialect: Dialect) -> tuple[Migration, ...] | str:
    """Return what is in a folder, or what is wrong with it."""
    try:
        return load(folder, dialect)
    except SourceError as error:
        return str(error)


def in_memory(migration: Migration) -> Migration:
    """Return a migration with the text of its up."""
    up = migration.up
    return replace(migration, up=up.in_memory()) if isinstance(up, LongScript) else migration


def without_pragmas(migration: Migration) -> Migration:
    """Return a migration as if nobody had said anything about foreign keys in it."""
    assert isinstance(migration.up, SqlScript)
    return replace(migration, up=replace(migration.up, foreign_keys=True))


@given(file_names, contents, dialects, st.integers(1, 99))
@example(
    "1_a.up.sql",
    f"-- Migrate:Up\n{'INSERT INTO t VALUES (1);' * 9}\n-- migrate:up\n",
    Dialect.POSTGRESQL,
    9,
)
def test_a_long_file_is_read_as_a_short_one_is(
    name: str, content: str, dialect: Dialect, piece: int
) -> None:
    """Whatever is in it: the same migration, the same checksum, the same error."""
    with TemporaryDirectory() as path:
        folder = Path(path)
        folder.joinpath(name).write_bytes(content.encode())
        whole, hashed = loaded(folder, dialect), read_checksums(folder, dialect)
        with long_from(100, piece=piece):
            found, found_hashed = loaded(folder, dialect), read_checksums(folder, dialect)
            if not isinstance(found, str):
                found = tuple(map(without_pragmas, map(in_memory, found)))
        if not isinstance(whole, str):
            whole = tuple(map(without_pragmas, whole))

    assert whole == found
    assert hashed == found_hashed


LONG_FILES = {
    "no marker": (SEED, SEED, None),
    "a byte order mark and other line ends": (
        "\ufeff" + SEED.replace("\n", "\r\n"),
        SEED,
        None,
    ),
    "an up": (f"-- seeds\n\n{UP}{SEED}", SEED, None),
    "an up and a down": (f"{UP}{SEED}{DOWN}DELETE FROM t;\n", SEED, "DELETE FROM t;\n"),
    "a transaction around it": (f"BEGIN;\n{SEED}COMMIT;\n", f"BEGIN;\n{SEED}COMMIT;\n", None),
}


@pytest.mark.parametrize(("content", "up", "down"), list(LONG_FILES.values()), ids=list(LONG_FILES))
def test_the_text_of_a_long_up_is_not_kept(
    migration_folder: MigrationFolder, content: str, up: str, down: str | None
) -> None:
    """It is read when it is needed; a down is kept, because the history keeps it too."""
    migration_folder.write("1_a.sql", content)
    with long_from(100):
        (migration,) = load(migration_folder, Dialect.POSTGRESQL)

        assert isinstance(migration.up, LongScript)
        assert up == "".join(migration.up.text.pieces())
        assert down == (migration.down.text if isinstance(migration.down, SqlScript) else None)
        assert migration.checksum == migration.up.checksum


def test_both_scripts_know_their_lines(migration_folder: MigrationFolder) -> None:
    """Also the one behind the long one."""
    migration_folder.write("1_a.sql", f"-- seeds\n{UP}{SEED}{DOWN}DELETE FROM t;")
    with long_from(100):
        (migration,) = load(migration_folder, Dialect.SQLITE)

    assert isinstance(migration.up, LongScript)
    assert isinstance(migration.down, SqlScript)
    assert (3, 13) == (migration.up.first_line, migration.down.first_line)


@pytest.mark.parametrize(
    "content",
    [
        f"{UP[:-1]} transaction:false\n{SEED}",
        f"{UP[:-1]} batch:9\n{SEED}",
        f"{SEED}COMMIT;\n",
        f"{SEED}SELECT '",
        f"{UP}{SEED}SELECT 1\n{DOWN}DELETE FROM t;",
        f"{UP}{SEED}SELECT '\n{DOWN}';",
        f"{SEED}{UP}",
    ],
)
def test_what_is_not_plain_is_read_as_a_whole(
    migration_folder: MigrationFolder, content: str
) -> None:
    """The rules for it, and the errors, are those of short files."""
    migration_folder.write("1_a.sql", content)
    with long_from(100):
        found = loaded(migration_folder.path, Dialect.POSTGRESQL)

    assert loaded(migration_folder.path, Dialect.POSTGRESQL) == found
    assert isinstance(found, str) or isinstance(found[0].up, SqlScript)


@pytest.mark.parametrize("content", [b"\xff\xfe-\0", b"\xc3", b"a\0"])
def test_what_is_no_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    """UTF-16, half a character at the end, a NUL."""
    path = tmp_path / "1_a.sql"
    path.write_bytes(content)

    with pytest.raises(SourceError, match=r"1_a\.sql"):
        list(LongFile(path, Place("1_a.sql")).pieces())


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Files are read again later than they were found."""
    with pytest.raises(SourceError, match=r"1_a\.sql cannot be read"):
        list(LongFile(tmp_path / "1_a.sql", Place("1_a.sql")).pieces())


def test_the_working_directory_may_change_meanwhile(
    migration_folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A long file is found again."""
    migration_folder.write("1_a.sql", SEED)
    monkeypatch.chdir(migration_folder.path.parent)
    with long_from(100):
        (migration,) = load(migration_folder.path.name, Dialect.SQLITE)
        os.chdir(tmp_path.parent)

        assert isinstance(migration.up, LongScript)
        assert SEED == "".join(migration.up.text.pieces())
