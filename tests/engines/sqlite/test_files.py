"""Which files are opened, made and left, and what is said about those that cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.settings import EngineSettings
from asyncmig.engines.sqlite import SqliteEngine, SqliteTarget
from asyncmig.errors import (
    DatabaseAccessError,
    DatabaseError,
    HistoryFormatError,
    ReadOnlyDatabaseError,
)
from asyncmig.history import History
from tests.engines.lab import history_of, locked, run, sql
from tests.engines.sqlite.places import application, engine_for, files_beside, journal_mode

if TYPE_CHECKING:
    from pathlib import Path

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);")


async def test_reading_makes_no_file(sqlite_path: Path) -> None:
    """A missing file has no history, and is still missing afterwards."""
    assert History(exists=False) == await history_of(engine_for(sqlite_path))
    assert set() == files_beside(sqlite_path)


async def test_a_run_leaves_nothing_but_the_database(sqlite_path: Path) -> None:
    """Neither the lock file nor a journal stays."""
    await run(engine_for(sqlite_path), USERS)
    assert {sqlite_path.name} == files_beside(sqlite_path) - {"test.db-shm", "test.db-wal"}
    assert {sqlite_path.name} <= files_beside(sqlite_path)


async def test_a_new_file_is_put_into_wal(sqlite_path: Path) -> None:
    """Readers of an application do not wait for migrations then."""
    await run(engine_for(sqlite_path), USERS)
    assert "wal" == journal_mode(sqlite_path)


async def test_an_existing_file_keeps_its_mode(sqlite_path: Path) -> None:
    """The application has chosen it."""
    with application(sqlite_path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TABLE old (id)")
    await run(engine_for(sqlite_path), USERS)
    assert "delete" == journal_mode(sqlite_path)


async def test_the_journal_mode_of_the_url_is_set(sqlite_path: Path) -> None:
    """For a new file as for an old one."""
    await run(engine_for(sqlite_path, journal_mode="delete"), USERS)
    assert "delete" == journal_mode(sqlite_path)
    await run(engine_for(sqlite_path, journal_mode="wal"), USERS)
    assert "wal" == journal_mode(sqlite_path)


@pytest.mark.parametrize("name", ["sp ace.db", "q?m=1&a#b%41.db", "é𝄞.db", "a'b\".db"])
async def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    """Characters that mean something in a URI are escaped."""
    await run(engine_for(tmp_path / name), USERS)
    assert name in files_beside(tmp_path / name)


async def test_two_names_of_one_file_share_a_lock(sqlite_path: Path, tmp_path: Path) -> None:
    """The lock lies beside the file behind the links."""
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.db"
    link.symlink_to(sqlite_path)
    await run(engine_for(sqlite_path), USERS)
    async with locked(engine_for(link)):
        assert "test.db-asyncmig-lock" in files_beside(sqlite_path)


@pytest.fixture
def text_file(sqlite_path: Path) -> Path:
    """Return a file that is no database."""
    sqlite_path.write_text("these are not the bytes you are looking for\n" * 100)
    return sqlite_path


@pytest.mark.parametrize("action", ["read", "lock"])
async def test_a_file_that_is_no_database_is_named(text_file: Path, action: str) -> None:
    """It stays as it is, alone in its folder."""
    before = content_of(text_file)
    with pytest.raises(DatabaseAccessError, match=r"test\.db is not a SQLite database"):
        await ACTIONS[action](engine_for(text_file))
    assert (before, {"test.db"}) == (content_of(text_file), files_beside(text_file))


def content_of(path: Path) -> bytes:
    """Read a file."""
    return path.read_bytes()


@pytest.mark.parametrize("action", ["read", "lock"])
async def test_a_folder_is_no_database(tmp_path: Path, action: str) -> None:
    """The message says what it is."""
    (tmp_path / "data").mkdir()
    with pytest.raises(DatabaseAccessError, match="data is a folder"):
        await ACTIONS[action](engine_for(tmp_path / "data"))


@pytest.mark.parametrize("action", ["read", "lock"])
async def test_a_missing_folder_is_named(tmp_path: Path, action: str) -> None:
    """No folder is made."""
    with pytest.raises(DatabaseAccessError, match=r"there is no folder .*/data") as caught:
        await ACTIONS[action](engine_for(tmp_path / "data" / "my.db"))
    assert "make the folder, or correct the path" == caught.value.hint
    assert set() == files_beside(tmp_path / "any")


async def _read(engine: SqliteEngine) -> None:
    await history_of(engine)


async def _lock(engine: SqliteEngine) -> None:
    async with locked(engine):
        pass


ACTIONS = {"read": _read, "lock": _lock}


async def test_mode_ro_reads_and_does_not_lock(sqlite_path: Path) -> None:
    """The user's own word for it."""
    (entry,) = await run(engine_for(sqlite_path), USERS)
    before = files_beside(sqlite_path)
    engine = engine_for(sqlite_path, uri=f"file:{sqlite_path}?mode=ro")
    assert History((entry,)) == await history_of(engine)
    with pytest.raises(ReadOnlyDatabaseError, match="cannot be written"):
        await _lock(engine)
    assert before | {"test.db-shm", "test.db-wal"} == files_beside(sqlite_path)


async def test_a_file_without_write_permission_is_not_locked(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is the lock file made. (Root may write everywhere, so the answer is made up.)."""
    await run(engine_for(sqlite_path, journal_mode="delete"), USERS)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert 1 == len(await history_of(engine_for(sqlite_path)))
    with pytest.raises(ReadOnlyDatabaseError):
        await _lock(engine_for(sqlite_path))
    assert {"test.db"} == files_beside(sqlite_path)


async def test_a_shared_database_in_memory_is_migrated() -> None:
    """It lives as long as the application has it open."""
    uri = "file:asyncmig_shared?mode=memory&cache=shared"
    engine = SqliteEngine(SqliteTarget(None, uri=uri), EngineSettings())
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        await run(engine, USERS, sql("2", "PRAGMA cache_size = 10"), sql("3", "SELECT 1"))
        assert [(3,)] == connection.execute("SELECT count(*) FROM asyncmig_history").fetchall()


async def test_a_table_that_is_no_history_is_refused(sqlite_path: Path) -> None:
    """Somebody else's table of that name stays as it is."""
    with application(sqlite_path) as connection:
        connection.execute("CREATE TABLE asyncmig_history (id, what)")
    with pytest.raises(HistoryFormatError, match="asyncmig_history is not a history of asyncmig"):
        await history_of(engine_for(sqlite_path))


async def test_a_history_of_a_newer_release_is_refused(sqlite_path: Path) -> None:
    """With the columns that we know, and without."""
    await run(engine_for(sqlite_path), USERS)
    with application(sqlite_path) as connection:
        connection.execute("UPDATE asyncmig_history SET format = 9")
    with pytest.raises(HistoryFormatError, match="format 9"):
        await history_of(engine_for(sqlite_path))
    with application(sqlite_path) as connection:
        connection.execute("ALTER TABLE asyncmig_history RENAME COLUMN origin TO source")
    with pytest.raises(HistoryFormatError, match="format 9"):
        await history_of(engine_for(sqlite_path))


async def test_a_damaged_file_is_a_database_error(sqlite_path: Path) -> None:
    """SQLite's words are in the message."""
    await run(engine_for(sqlite_path, journal_mode="delete"), USERS)
    damage(sqlite_path)
    with pytest.raises(DatabaseError, match="malformed"):
        await history_of(engine_for(sqlite_path))


def damage(path: Path) -> None:
    """Overwrite most of the first page, but not its header."""
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 3900 + content[4000:])
