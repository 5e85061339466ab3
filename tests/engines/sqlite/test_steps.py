"""What is special about a step on SQLite: commits, foreign keys, busy and full databases."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from asyncmig.engines.sqlite.applying import Turn
from asyncmig.errors import (
    DatabaseBusyError,
    MigrationFailedError,
    TransactionLostError,
)
from asyncmig.history import Failure, Generation, History
from asyncmig.plan import make_plan
from tests.engines.lab import (
    LAX,
    UP,
    Seen,
    first_step,
    history_of,
    locked,
    python,
    run,
    sql,
)
from tests.engines.sqlite.places import (
    FAMILY,
    REBUILD,
    application,
    engine_for,
    keys_on,
    rows,
)

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from asyncmig.engines.base import Engine

SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) "
    "SELECT count(*) FROM n"
)
USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);")

# --- transaction control --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "commit()",
        "rollback()",
        "executescript('CREATE TABLE more (id)')",
        "execute('COMMIT')",
        "execute('BEGIN')",
    ],
)
async def test_python_cannot_end_the_transaction(
    engine: Engine, sqlite_path: Path, call: str
) -> None:
    """It is refused, the message says why, and nothing remains."""
    source = f"await connection.execute('INSERT INTO users VALUES (1)')\nawait connection.{call}"
    with pytest.raises(
        MigrationFailedError, match="inside the transaction that asyncmig"
    ) as caught:
        await run(engine, USERS, python("2", source))
    assert (3, "2_some.py") == (caught.value.line, caught.value.file)
    assert "transaction = False" in caught.value.hint
    assert [] == rows(sqlite_path, "SELECT id FROM users")


async def test_what_a_rollback_was_for_is_the_failure(engine: Engine) -> None:
    """The habit of rolling back in `except` does not hide what was excepted."""
    source = "try:\n    1 / 0\nexcept Exception:\n    await connection.rollback()\n    raise"
    with pytest.raises(MigrationFailedError, match="ZeroDivisionError") as caught:
        await run(engine, USERS, python("2", source))
    assert 3 == caught.value.line


async def test_savepoints_are_free(engine: Engine, sqlite_path: Path) -> None:
    """They structure a transaction and do not end it."""
    text = (
        "SAVEPOINT a; INSERT INTO users VALUES (1); ROLLBACK TO a; RELEASE a;"
        "INSERT INTO users VALUES (2)"
    )
    await run(engine, USERS, sql("2", text))
    assert [(2,)] == rows(sqlite_path, "SELECT id FROM users")


async def test_a_transaction_that_a_conflict_ended_is_lost(engine: Engine) -> None:
    """Who catches the error and goes on would commit statement by statement."""
    source = (
        "import sqlite3\ninsert = 'INSERT OR ROLLBACK INTO users VALUES (1)'\n"
        "await connection.execute(insert)\n"
        "try:\n    await connection.execute(insert)\nexcept sqlite3.IntegrityError:\n    pass"
    )
    with pytest.raises(TransactionLostError, match="a conflict rolled it back"):
        await run(engine, USERS, python("2", source))


async def test_python_may_not_close_the_connection(engine: Engine, sqlite_path: Path) -> None:
    """Its work is rolled back then."""
    source = "await connection.execute('INSERT INTO users VALUES (1)')\nawait connection.close()"
    with pytest.raises(TransactionLostError, match="it closed the connection"):
        await run(engine, USERS, python("2", source))
    assert [] == rows(sqlite_path, "SELECT id FROM users")


# --- foreign keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", [True, False])
async def test_a_rebuild_keeps_the_child_rows(sqlite_path: Path, *, marker: bool) -> None:
    """The marker, or the pragma in the file, turns the keys off in front of BEGIN."""
    pragma = "" if marker else "PRAGMA foreign_keys = OFF;\n"
    rebuild = sql("2", pragma + REBUILD, foreign_keys=not marker)
    check = python(
        "3",
        "cursor = await connection.execute('PRAGMA foreign_keys')\n"
        "assert await cursor.fetchone() == (1,)",
    )
    await run(engine_for(sqlite_path, setup=keys_on), FAMILY, rebuild, check)
    assert [(10, 1)] == rows(sqlite_path, "SELECT * FROM children")


async def test_a_new_violation_fails_the_migration(engine: Engine, sqlite_path: Path) -> None:
    """The message names the row, and nothing remains."""
    orphan = sql("2", "DELETE FROM parents;", foreign_keys=False)
    with pytest.raises(MigrationFailedError, match="row 10 of children has no parent in parents"):
        await run(engine, FAMILY, orphan)
    assert [(1,)] == rows(sqlite_path, "SELECT count(*) FROM parents")


async def test_an_old_violation_is_no_fault_of_the_migration(
    engine: Engine, sqlite_path: Path
) -> None:
    """Only what is new counts."""
    await run(engine, FAMILY)
    with application(sqlite_path) as connection:
        connection.execute("INSERT INTO children VALUES (11, 99)")
    await run(engine, FAMILY, sql("2", REBUILD, foreign_keys=False))
    assert [(2,)] == rows(sqlite_path, "SELECT count(*) FROM children")


async def test_keys_that_are_broken_at_commit_fail_the_migration(sqlite_path: Path) -> None:
    """A deferred key is checked by COMMIT itself; the transaction is rolled back."""
    deferred = sql(
        "1",
        "CREATE TABLE parents (id integer PRIMARY KEY);\nCREATE TABLE children "
        "(parent integer REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO children VALUES (1);",
    )
    with pytest.raises(MigrationFailedError, match=r"1 failed \(1_some\.sql\): FOREIGN KEY"):
        await run(engine_for(sqlite_path, setup=keys_on), deferred)
    assert History() == await history_of(engine_for(sqlite_path))


# --- a busy database ------------------------------------------------------------------------------


async def test_a_step_waits_for_an_application(engine: Engine, sqlite_path: Path) -> None:
    """Its turn comes when the application commits; waiting is not retrying."""
    seen = Seen()
    async with locked(engine) as session:
        with application(sqlite_path) as writer:
            writer.execute("BEGIN IMMEDIATE")
            release = threading.Timer(0.5, lambda: writer.execute("COMMIT"))
            release.start()
            began = time.monotonic()
            await session.apply(first_step(History(), USERS), Generation(), seen.events)
            release.join()
    assert time.monotonic() - began > 0.4
    assert (1, []) == (seen.started, seen.retries)


@pytest.mark.parametrize("transaction", [True, False])
async def test_a_setup_hook_waits_for_an_application(
    sqlite_path: Path,
    transaction: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """One that meets a busy database is called again, as a migration is run again."""
    met = list[int]()

    async def look(connection: Any) -> None:  # noqa: ANN401 - aiosqlite's
        with application(sqlite_path) as writer:
            met.append(len(met))
            if met == [0]:
                await anyio.to_thread.run_sync(writer.execute, "BEGIN EXCLUSIVE")
            await connection.execute("SELECT count(*) FROM sqlite_master")

    engine = engine_for(sqlite_path, journal_mode="delete", setup=look)
    await run(engine, sql("1", "CREATE TABLE users (id integer);", transaction=transaction))
    assert [(0,)] == rows(sqlite_path, "SELECT count(*) FROM users")
    assert [0, 1] == met


async def test_an_application_that_never_ends_is_named_after_the_budget(sqlite_path: Path) -> None:
    """The budget is busy_timeout; nothing has happened."""
    engine = engine_for(sqlite_path, busy=0.3)
    async with locked(engine) as session:
        with application(sqlite_path) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusyError, match="locked by another connection"):
                await session.apply(first_step(History(), USERS), Generation(), Seen().events)


async def test_a_commit_that_meets_a_reader_is_taken_again(sqlite_path: Path) -> None:
    """Without WAL a reader keeps COMMIT waiting: roll back, let others in, run again."""
    engine = engine_for(sqlite_path, journal_mode="delete")
    seen = Seen()
    async with locked(engine) as session:
        with application(sqlite_path) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM asyncmig_history").fetchall()
            release = threading.Timer(0.8, lambda: reader.execute("COMMIT"))
            release.start()
            await session.apply(first_step(History(), USERS), Generation(), seen.events)
            release.join()
    assert 1 == seen.started
    assert {"database is locked"} == set(seen.retries)
    assert [(1,)] == rows(sqlite_path, "SELECT count(*) FROM asyncmig_history")


async def test_a_wait_for_an_application_can_be_cancelled(
    engine: Engine, sqlite_path: Path
) -> None:
    """At once: the waiting is done in sleeps."""
    async with locked(engine) as session:
        with application(sqlite_path) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with anyio.move_on_after(0.3) as scope:
                await session.apply(first_step(History(), USERS), Generation(), Seen().events)
            assert scope.cancelled_caught
            assert anyio.current_time() - scope.deadline < 1
    assert History() == await history_of(engine)


# --- a full database ------------------------------------------------------------------------------


async def test_a_full_disk_leaves_nothing(engine: Engine, sqlite_path: Path) -> None:
    """SQLite may have rolled back by itself already."""
    fill = "INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
    fill += "WHERE i < 200000) SELECT i FROM n;"
    with pytest.raises(MigrationFailedError, match="database or disk is full"):
        await run(engine, USERS, sql("2", f"PRAGMA max_page_count = 20;\n{fill}"))
    assert [(0,)] == rows(sqlite_path, "SELECT count(*) FROM users")
    await run(engine, USERS, sql("2", fill))
    assert [(200000,)] == rows(sqlite_path, "SELECT count(*) FROM users")


# --- what a migration leaves on the connection ----------------------------------------------------


async def test_nothing_stays_on_the_connection(engine: Engine, sqlite_path: Path) -> None:
    """Temporary tables, attached databases, pragmas and factories of one file end with it."""
    leave = sql(
        "1",
        "CREATE TEMP TABLE scratch (id); PRAGMA recursive_triggers = ON; "
        "CREATE TABLE users (id integer PRIMARY KEY);",
    )
    factories = python(
        "2", "connection.row_factory = lambda *_: 1 / 0\nconnection.text_factory = bytes"
    )
    check = python(
        "3",
        "one = lambda text: connection.execute_fetchall(text)\n"
        "assert await one('SELECT name FROM sqlite_temp_master') == []\n"
        "assert await one('PRAGMA recursive_triggers') == [(0,)]\n",
    )
    assert 3 == len(await run(engine, leave, factories, check))
    assert 3 == len(rows(sqlite_path, "SELECT * FROM asyncmig_history"))


async def test_python_finds_the_factories_of_a_new_connection(engine: Engine) -> None:
    """Fetching what a SQL file selects is done with another one, for as long as that runs."""
    check = python("2", "assert connection.text_factory is str")
    assert 2 == len(await run(engine, USERS, check))


async def test_a_temporary_table_does_not_hide_the_history(engine: Engine) -> None:
    """Our names are qualified."""
    hide = sql("1", "CREATE TEMP TABLE asyncmig_history (id)")
    assert 1 == len(await run(engine, hide))


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("SELECT 1,\n  1 2;", 2, 5, 'near "2": syntax error'),
        ("SELECT 'a, b)', 1 ) ;", 1, 19, 'near ")": syntax error'),
        ("-- é\nSELECT 'é' x y;", 2, 14, 'near "y": syntax error'),
        ("CREATE TABLE t (a);\nINSERT INTO t\n  SELECT missing;", 3, 10, "no such column: missing"),
        ("SELECT *\nFROM main.nowhere;", 2, 11, "no such table: main.nowhere"),
        ("SELECT (1", 1, 10, "incomplete input"),
        ("\n\nINSERT INTO t VALUES (1);", 3, 13, "no such table: t"),
        ("SELECT 1; CREATE TABLE t (a NOT NULL); INSERT INTO t VALUES (NULL);", 1, 40, "NOT NULL"),
    ],
)
async def test_an_error_points_to_the_token_that_sqlite_names(
    engine: Engine, text: str, line: int, column: int, words: str
) -> None:
    """Else to the start of the statement. SQLite's own words are kept."""
    with pytest.raises(MigrationFailedError) as caught:
        await run(engine, sql("1", text))
    assert (line, column) == (caught.value.line, caught.value.column)
    assert words in caught.value.message


async def test_a_statement_that_selects_runs_to_its_end(engine: Engine, sqlite_path: Path) -> None:
    """Its rows are fetched, whatever bytes they hold."""
    await run(
        engine,
        USERS,
        sql("2", "INSERT INTO users VALUES (1), (2), (3);\nSELECT CAST(X'FF' AS TEXT);"),
        sql("3", "SELECT id FROM users; DROP TABLE users;"),
    )
    tables = rows(sqlite_path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    assert [("asyncmig_history",)] == tables


async def test_an_open_cursor_is_not_in_the_way_of_a_rollback(
    engine: Engine, sqlite_path: Path
) -> None:
    """A cancelled Python migration may leave one, and a statement that still runs."""
    source = (
        "await connection.execute('INSERT INTO users VALUES (1), (2)')\n"
        "cursor = await connection.execute('SELECT id FROM users')\n"
        "await cursor.fetchone()\n"
        f"await connection.execute({SLOW!r})"
    )
    task = asyncio.create_task(run(engine, USERS, python("2", source)))
    await anyio.sleep(0.5)
    task.cancel()
    with anyio.fail_after(4), pytest.raises(asyncio.CancelledError):
        await task
    assert [] == rows(sqlite_path, "SELECT id FROM users")
    await run(engine, USERS, sql("2", "INSERT INTO users VALUES (3)"))


async def test_after_a_closed_connection_the_session_goes_on(engine: Engine) -> None:
    """The failure can be recorded or not, the history read, and the next step run."""
    async with locked(engine) as session:
        step = first_step(History(), python("1", "await connection.close()"))
        with pytest.raises(TransactionLostError):
            await session.apply(step, Generation(), Seen().events)
        await session.record_failure(step, Failure("closed"))
        assert History() == await session.history()
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)


async def test_a_commit_that_is_under_way_stands(
    engine: Engine, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation during COMMIT is delivered after the outcome has been reported."""
    commit = Turn.commit
    under_way = threading.Event()

    def slow(self: Turn, raw: sqlite3.Connection) -> None:
        under_way.set()
        time.sleep(0.3)
        commit(self, raw)

    monkeypatch.setattr(Turn, "commit", slow)
    outcome = list[str]()

    async def runner() -> None:
        async with locked(engine) as session:
            (step,) = make_plan([USERS], History(), UP, LAX).steps
            entry = await session.apply(step, Generation(), Seen().events)
            outcome.append(entry.state)
            await anyio.sleep(10)
            outcome.append("went on")

    task = asyncio.create_task(runner())
    await asyncio.to_thread(under_way.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["applied"] == outcome
    assert [("applied",)] == rows(sqlite_path, "SELECT state FROM asyncmig_history")
