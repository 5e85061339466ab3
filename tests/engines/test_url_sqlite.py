"""SQLite URLs: the file they name, in every spelling, and what is refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.url import SqliteTarget, parse_database
from asyncmig.engines.url.sqlite_target import Access
from asyncmig.errors import DatabaseUrlError

if TYPE_CHECKING:
    from pathlib import Path

IN_MEMORY = "the database URL names a database in memory, which nobody else would ever see"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///app.db", SqliteTarget("app.db")),
        ("sqlite:///./folder/app.db\n", SqliteTarget("./folder/app.db")),
        ("sqlite:////srv/app.db", SqliteTarget("/srv/app.db")),
        ("sqlite+aiosqlite:///app.db", SqliteTarget("app.db")),
        ("sqlite+pysqlite:////srv/app.db", SqliteTarget("/srv/app.db")),
        ("SQLite:///App.db", SqliteTarget("App.db")),
        ("sqlite:///a%20b%3F%25.db", SqliteTarget("a b?%.db")),
        ("sqlite:///a b+c#d@e.db", SqliteTarget("a b+c#d@e.db")),
        ("sqlite:///ä.db", SqliteTarget("ä.db")),
        ("sqlite:///C:/x.db", SqliteTarget("C:/x.db")),
        (r"sqlite:///C:\x.db", SqliteTarget(r"C:\x.db")),
        ("sqlite:///a.db?mode=ro", SqliteTarget("a.db", "file:a.db?mode=ro")),
        ("sqlite:////a%3F.db?mode=RO", SqliteTarget("/a?.db", "file:///a%3F.db?mode=ro")),
        (r"sqlite:///C:\x.db?mode=ro", SqliteTarget(r"C:\x.db", "file:///C:/x.db?mode=ro")),
        ("sqlite:///file:app.db?uri=true", SqliteTarget("app.db")),
        ("sqlite:///file:a.db?mode=ro&uri=true", SqliteTarget("a.db", "file:a.db?mode=ro")),
        ("sqlite:///file%3Aa.db?mode=ro", SqliteTarget("a.db", "file:a.db?mode=ro")),
        ("sqlite:///file:///srv/a.db?uri=true", SqliteTarget("/srv/a.db")),
        ("sqlite:///file:/srv/a.db?uri=true", SqliteTarget("/srv/a.db")),
        (
            "sqlite:///file:name?mode=memory&cache=shared&uri=true",
            SqliteTarget(None, "file:name?mode=memory&cache=shared"),
        ),
        (
            "sqlite:///file::memory:?cache=shared&uri=true",
            SqliteTarget(None, "file::memory:?cache=shared"),
        ),
        ("sqlite:///file:/name?vfs=memdb", SqliteTarget(None, "file:///name?vfs=memdb")),
        ("sqlite:///a.db?journal_mode=WAL", SqliteTarget("a.db", journal_mode="wal")),
        ("sqlite:///a.db?_journal=delete", SqliteTarget("a.db", journal_mode="delete")),
        ("sqlite:///a.db?busy_timeout=1500", SqliteTarget("a.db", busy_timeout=1.5)),
        ("sqlite:///a.db?timeout=1.5", SqliteTarget("a.db", busy_timeout=1.5)),
        ("sqlite:///a.db?timeout=2&busy_timeout=2000", SqliteTarget("a.db", busy_timeout=2.0)),
        ("sqlite:///a.db?busy_timeout=0", SqliteTarget("a.db", busy_timeout=0.0)),
        ("sqlite:///a.db?check_same_thread=false&connection_limit=1", SqliteTarget("a.db")),
    ],
)
def test_a_file_is_found_in_every_spelling(url: str, expected: SqliteTarget) -> None:
    """SQLAlchemy's paths, SQLite's URIs, and what belongs to the file."""
    assert expected == parse_database(url)


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("sqlite://", IN_MEMORY, "name a file, sqlite:///app.db; or from Python"),
        ("sqlite:///", IN_MEMORY, "name a file"),
        ("sqlite:///:memory:", IN_MEMORY, "mode=memory&cache=shared"),
        ("sqlite+aiosqlite:///:memory:", IN_MEMORY, "name a file"),
        ("sqlite:///file::memory:?uri=true", IN_MEMORY, "name a file"),
        ("sqlite:///file:x?mode=memory", IN_MEMORY, "name a file"),
        ("sqlite:///x?vfs=memdb", IN_MEMORY, "name a file"),
        ("sqlite:///file:?cache=shared", IN_MEMORY, "name a file"),
        ("sqlite://app.db", "has three slashes and no host", "did you mean sqlite:///app.db?"),
        ("sqlite://./a/b.db", "has three slashes and no host", "did you mean sqlite:///./a/b.db?"),
        ("sqlite://C:/x.db", "has three slashes and no host", "did you mean sqlite:///C:/x.db?"),
        ("sqlite://u:secret@h/x.db", "has three slashes and no host", "write sqlite:///relative"),
        ("sqlite:///~/app.db", "SQLite does not replace the ~", "sqlite:////srv/app.db"),
        ("sqlite:///a.db?journal=wal", "has an unknown key journal", "did you mean _journal?"),
        ("sqlite:///a.db?frobnicate=1", "has an unknown key frobnicate", "a setup hook (--setup)"),
        ("sqlite:///a.db?foreign_keys=on", "the foreign_keys in", "a setup hook (--setup)"),
        ("sqlite:///a.db?journal_mode=fast", "a value of journal_mode", "is one of wal, delete"),
        ("sqlite:///a.db?mode=r", "a value of mode that does not exist", "mode is one of ro, rw"),
        ("sqlite:///a.db?nolock=1", "a value of nolock that does not exist", "nolock is one of 0"),
        ("sqlite:///a.db?vfs=unix-none", "a value of vfs that does not exist", "vfs is one of"),
        ("sqlite:///a.db?busy_timeout=5s", "is not a number of milliseconds", "write digits only"),
        ("sqlite:///a.db?timeout=-1", "is not a number of seconds", "write digits only"),
        ("sqlite:///a.db?timeout=1&busy_timeout=1", "gives the timeout twice", "keep one of them"),
        ("sqlite:///a.db?x-migrations-table=m", "x-migrations-table", "--table names asyncmig's"),
        ("sqlite:///a.db?mode=ro&mode=rw", "gives mode twice", "keep one of them"),
        ("sqlite:///%FF.db", "the path in the database URL is not percent-encoded", "encode it"),
    ],
)
def test_what_names_no_file_is_refused(url: str, message: str, hint: str) -> None:
    """One sentence says what is wrong, and the hint how to write it."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(url)

    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "secret" not in caught.value.hint


def test_the_address_is_the_path_or_the_uri_of_what_has_none() -> None:
    """People know a file by its path; a database in memory has only its URI."""
    targets = SqliteTarget("a b.db", "file:a%20b.db?mode=ro"), SqliteTarget(None, "file:x?cache=1")

    assert ["a b.db", "file:x?cache=1"] == [target.address for target in targets]


def test_a_journal_mode_that_sqlite_would_ignore_is_refused() -> None:
    """It goes into a statement, so not even our own code may pass another one."""
    with pytest.raises(ValueError, match="unknown journal mode 'wal; x'"):
        SqliteTarget("a.db", journal_mode="wal; x")


@pytest.mark.parametrize(
    ("target", "access", "expected"),
    [
        (SqliteTarget("/a b.db"), Access.READ, "file:///a%20b.db?mode=ro"),
        (SqliteTarget("/a.db"), Access.WRITE, "file:///a.db?mode=rwc"),
        (SqliteTarget("/a.db", "file:///a.db?mode=rw"), Access.WRITE, "file:///a.db?mode=rw"),
        (SqliteTarget("/a.db", "file:///a.db?mode=rw"), Access.READ, "file:///a.db?mode=ro"),
        (
            SqliteTarget("/a.db", "file:///a.db?psow=1"),
            Access.WRITE,
            "file:///a.db?psow=1&mode=rwc",
        ),
        (
            SqliteTarget(None, "file:x?mode=memory&cache=shared"),
            Access.READ,
            "file:x?mode=memory&cache=shared",
        ),
    ],
)
def test_a_target_is_opened_for_a_purpose(
    target: SqliteTarget, access: Access, expected: str
) -> None:
    """Reading never creates; a mode of the user's own is kept; memory keeps its name."""
    assert expected == target.uri_for(access)


def test_only_a_mode_or_an_immutable_file_is_read_only() -> None:
    """What the URI says, not what the file system says."""
    uris = (None, "file:a?mode=ro", "file:a?immutable=1", "file:a?mode=rw&immutable=0")

    assert [False, True, True, False] == [SqliteTarget("a", uri).is_read_only for uri in uris]


@pytest.mark.parametrize("name", ["app.db", "a b?#%41&ä.db", "file:x.db"])
def test_sqlite_opens_the_file_that_is_meant(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path stays in the folder it is relative to, whatever characters it has."""
    monkeypatch.chdir(tmp_path)
    target = SqliteTarget(name)

    with closing(sqlite3.connect(target.uri_for(Access.WRITE), uri=True)) as connection:
        connection.execute("CREATE TABLE t (x)")

    assert [tmp_path / name] == list(tmp_path.iterdir())
    assert os.path.realpath(tmp_path / name) == target.real_path()


def test_a_link_is_the_file_behind_it(tmp_path: Path) -> None:
    """Two names of one file are one database; memory has no file."""
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")

    assert (
        os.path.realpath(tmp_path / "real.db")
        == SqliteTarget(str(tmp_path / "link.db")).real_path()
    )
    assert SqliteTarget(None, "file:x?mode=memory&cache=shared").real_path() is None
