"""A single transaction on SQLite: foreign keys, what stays on a connection, busy databases."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiosqlite
import anyio
import pytest

from asyncmig.engines import open_engine
from asyncmig.engines.settings import EngineSettings
from asyncmig.errors import DatabaseBusyError, MigrationFailedError
from asyncmig.history import History
from asyncmig.plan import make_plan
from tests.engines.lab import (
    LAX,
    UP,
    Seen,
    history_of,
    locked,
    python,
    run,
    share_of,
    sql,
    together,
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
    from pathlib import Path

    from asyncmig.migration import Migration

TABLES = "SELECT name FROM sqlite_master WHERE name LIKE 't_' ORDER BY name"
KEYS = "SELECT version FROM asyncmig_history WHERE state = 'applied' ORDER BY id"
CHILDREN = "SELECT id, parent FROM children"
DEFERRED = sql(
    "1",
    "CREATE TABLE parents (id integer PRIMARY KEY);\n"
    "CREATE TABLE children (id integer PRIMARY KEY,\n"
    "  parent integer REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);",
)
BREAKING = sql("2", "INSERT INTO children VALUES (1, 7);")
MENDING = sql("3", "INSERT INTO parents VALUES (7);")


def rebuild(*, by: str) -> Migration:
    """Return the rebuild of a table, with the keys off by a marker or by a pragma."""
    if by == "marker":
        return sql("2", REBUILD, foreign_keys=False)
    return sql("2", f"PRAGMA foreign_keys = OFF;\n{REBUILD}\nPRAGMA foreign_keys = ON;")


# --- foreign keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["marker", "pragma"])
async def test_a_rebuild_keeps_the_rows_of_the_children(sqlite_path: Path, by: str) -> None:
    """The keys go off in front of the one BEGIN, and are on again afterwards."""
    async with aiosqlite.connect(sqlite_path, isolation_level=None) as borrowed:
        await keys_on(borrowed)
        engine = open_engine(borrowed, EngineSettings())
        await together(engine, FAMILY, rebuild(by=by), sql("3", "CREATE TABLE t3 (id integer);"))
        async with borrowed.execute("PRAGMA foreign_keys") as cursor:
            assert (1,) == await cursor.fetchone()

    assert [(10, 1)] == rows(sqlite_path, CHILDREN)
    assert [("1",), ("2",), ("3",)] == rows(sqlite_path, KEYS)


async def test_the_next_one_under_the_same_lock_has_the_keys_on(sqlite_path: Path) -> None:
    """On the connection of an application, too, which is the same one."""
    telling = sql("3", "CREATE TABLE t3 AS SELECT foreign_keys FROM pragma_foreign_keys;")
    async with aiosqlite.connect(sqlite_path, isolation_level=None) as borrowed:
        await keys_on(borrowed)
        async with locked(open_engine(borrowed, EngineSettings())) as session:
            history = await session.history()
            steps = make_plan([FAMILY, rebuild(by="marker"), telling], history, UP, LAX).steps
            shares = [share_of(step, Seen()) for step in steps]
            await session.apply_together(shares[:2], history.generation)
            await session.apply_together(shares[2:], (await session.history()).generation)

    assert [(1,)] == rows(sqlite_path, "SELECT * FROM t3")


async def test_keys_are_on_again_after_a_failure(sqlite_path: Path) -> None:
    """On every way out."""
    async with aiosqlite.connect(sqlite_path, isolation_level=None) as borrowed:
        await keys_on(borrowed)
        engine = open_engine(borrowed, EngineSettings())
        with pytest.raises(MigrationFailedError):
            await together(engine, FAMILY, rebuild(by="marker"), sql("3", "SELECT * FROM nope;"))
        async with borrowed.execute("PRAGMA foreign_keys") as cursor:
            assert (1,) == await cursor.fetchone()

    assert [] == rows(sqlite_path, TABLES)


async def test_who_breaks_a_deferred_key_is_named(sqlite_path: Path) -> None:
    """Behind its own statements: what a later one would put right does not count."""
    with pytest.raises(MigrationFailedError, match="foreign keys are broken") as caught:
        await together(engine_for(sqlite_path, setup=keys_on), DEFERRED, BREAKING, MENDING)

    assert "2" == caught.value.version


async def test_who_breaks_a_key_is_named_while_they_are_off_for_another(sqlite_path: Path) -> None:
    """Where the keys were on, each step answers for its rows, as it would alone."""
    breaking = sql("2", "DELETE FROM parents;")
    rebuilding = sql("3", REBUILD, foreign_keys=False)

    with pytest.raises(MigrationFailedError, match="row 10 of children has no parent") as caught:
        await together(engine_for(sqlite_path, setup=keys_on), FAMILY, breaking, rebuilding)

    assert "2" == caught.value.version


async def test_rows_that_were_broken_before_are_nobodys_fault(sqlite_path: Path) -> None:
    """Each step is compared with what it found, where the keys are off for it alone."""
    await run(engine_for(sqlite_path), FAMILY)
    orphan = sql("2", "INSERT INTO children VALUES (11, 99);")
    after = sql("3", REBUILD, foreign_keys=False)

    await together(engine_for(sqlite_path), FAMILY, orphan, after)

    assert [(10, 1), (11, 99)] == rows(sqlite_path, CHILDREN)


# --- what one leaves to the next ------------------------------------------------------------------


async def test_what_a_step_sets_does_not_reach_the_next(sqlite_path: Path) -> None:
    """Pragmas, temporary tables, views and triggers, in SQL and in Python."""
    messy = (
        "PRAGMA recursive_triggers = ON;\nPRAGMA ignore_check_constraints = ON;\n"
        "CREATE TEMP TABLE notes (id integer PRIMARY KEY AUTOINCREMENT);\n"
        "CREATE TEMP VIEW seen AS SELECT * FROM notes;\n"
        "CREATE TEMP TRIGGER spy AFTER INSERT ON t0 BEGIN INSERT INTO notes VALUES (1); END;\n"
    )
    in_python = (
        "connection.row_factory = lambda cursor, row: None\n"
        "await connection.execute('PRAGMA recursive_triggers = ON')\n"
        "await connection.execute('CREATE TEMP TABLE notes (id integer)')"
    )
    telling = (
        "CREATE TABLE t{0} AS SELECT (SELECT count(*) FROM temp.sqlite_master"
        " WHERE name <> 'sqlite_sequence') AS things,"
        " (SELECT recursive_triggers FROM pragma_recursive_triggers) AS recursive,"
        " (SELECT ignore_check_constraints FROM pragma_ignore_check_constraints) AS ignored;"
    )

    await together(
        engine_for(sqlite_path),
        sql("1", "CREATE TABLE t0 (id integer);"),
        sql("2", messy),
        sql("3", telling.format(3)),
        python("4", in_python),
        sql("5", telling.format(5)),
    )

    found = rows(sqlite_path, "SELECT * FROM t3 UNION ALL SELECT * FROM t5")
    assert [(0, 0, 0), (0, 0, 0)] == found


async def test_what_the_application_has_set_stays(sqlite_path: Path) -> None:
    """A borrowed connection keeps its temporary tables and its pragmas."""
    async with aiosqlite.connect(sqlite_path, isolation_level=None) as borrowed:
        await borrowed.execute("CREATE TEMP TABLE mine (id integer)")
        await borrowed.execute("PRAGMA recursive_triggers = ON")
        engine = open_engine(borrowed, EngineSettings())

        await together(
            engine,
            sql("1", "CREATE TEMP TABLE theirs (id integer);\nPRAGMA recursive_triggers = OFF;"),
            sql("2", "CREATE TABLE t2 AS SELECT recursive_triggers FROM pragma_recursive_triggers"),
        )

        async with borrowed.execute("SELECT name FROM temp.sqlite_master") as cursor:
            assert [("mine",)] == list(await cursor.fetchall())
    assert [(1,)] == rows(sqlite_path, "SELECT * FROM t2")


async def test_a_database_that_stays_attached_ends_it(sqlite_path: Path) -> None:
    """SQLite does not detach what the transaction has written to; the last one harms nobody."""
    attaching = "ATTACH '{}' AS aside;\nCREATE TABLE aside.t (id integer);"
    aside = sqlite_path.with_name("aside.db")
    first = sql("1", attaching.format(aside))

    with pytest.raises(MigrationFailedError, match="leaves the database aside attached") as caught:
        await together(engine_for(sqlite_path), first, sql("2", "SELECT 1;"))
    await together(
        engine_for(sqlite_path), sql("1", "SELECT 1;"), sql("2", attaching.format(aside))
    )

    assert "1" == caught.value.version
    assert [("1",), ("2",)] == rows(sqlite_path, KEYS)


async def test_the_hook_is_called_once_in_front_of_all(sqlite_path: Path) -> None:
    """What it may do, a COMMIT among it, would end a transaction that has begun."""
    calls: list[bool] = []

    async def hook(connection: aiosqlite.Connection) -> None:
        calls.append(connection.in_transaction)
        await connection.create_function("seven", 0, lambda: 7)
        await connection.commit()

    text = "CREATE TABLE t{0} AS SELECT seven() AS n;"
    engine = engine_for(sqlite_path, setup=hook)
    await together(engine, sql("1", text.format(1)), sql("2", text.format(2)))

    assert [False] == calls
    assert [("t1",), ("t2",)] == rows(sqlite_path, TABLES)


async def test_a_conflict_that_rolls_back_ends_it(sqlite_path: Path) -> None:
    """`RAISE(ROLLBACK)` ends the transaction of all; the one to blame is named."""
    refusing = sql(
        "2",
        "CREATE TRIGGER no BEFORE INSERT ON t1 BEGIN SELECT RAISE(ROLLBACK, 'no'); END;\n"
        "INSERT INTO t1 VALUES (1);",
    )
    with pytest.raises(MigrationFailedError, match="no") as caught:
        await together(engine_for(sqlite_path), sql("1", "CREATE TABLE t1 (id integer);"), refusing)

    assert ("2", 2) == (caught.value.version, caught.value.line)
    assert [] == rows(sqlite_path, TABLES)
    assert History() == await history_of(engine_for(sqlite_path))


# --- busy databases -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        sql("1", "CREATE TABLE t1 (id integer);"),
        python("1", "await connection.execute('CREATE TABLE t1 (id integer)')"),
    ],
    ids=["sql", "python"],
)
async def test_a_busy_database_is_waited_for(sqlite_path: Path, first: Migration) -> None:
    """In front of BEGIN, where nothing has run yet; then all of them run at once."""
    await run(engine_for(sqlite_path))
    seen, tries = Seen(), []

    async def hook(connection: aiosqlite.Connection) -> None:
        tries.append(connection)

    with application(sqlite_path) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(
            together(
                engine_for(sqlite_path, setup=hook),
                first,
                python("2", "await connection.execute('INSERT INTO t1 VALUES (1)')"),
                seen=seen,
            )
        )
        with anyio.fail_after(20):
            while len(tries) < 3:  # noqa: ASYNC110 - the hook is called in front of each try
                await anyio.sleep(0.01)
            other.execute("ROLLBACK")
            await task

    assert [(1,)] == rows(sqlite_path, "SELECT count(*) FROM t1")
    assert 2 == seen.started


async def test_a_reader_that_stays_in_the_way_of_the_commit_leaves_nothing(
    sqlite_path: Path,
) -> None:
    """With a rollback journal COMMIT waits for readers; what was done once is not done again."""
    engine = engine_for(sqlite_path, journal_mode="delete", busy=0.5)
    await run(engine, sql("1", "CREATE TABLE t1 (id integer);\nINSERT INTO t1 VALUES (0);"))
    calls: list[int] = []
    counting = python("2", "connection.calls.append(1)\nawait connection.execute('SELECT 1')")

    async def hook(connection: Any) -> None:  # noqa: ANN401 - the driver's own
        connection.calls = calls

    patient = engine_for(sqlite_path, journal_mode="delete", busy=0.5, setup=hook)
    with application(sqlite_path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t1").fetchall()
        with pytest.raises(DatabaseBusyError):
            await together(
                patient,
                sql("1", "CREATE TABLE t1 (id integer);\nINSERT INTO t1 VALUES (0);"),
                counting,
                sql("3", "CREATE TABLE t3 (id integer);"),
            )

    assert [1] == calls
    assert [("t1",)] == rows(sqlite_path, TABLES)


@pytest.mark.parametrize(("retry", "runs"), [(False, 1), (True, 2)])
async def test_python_runs_again_only_if_it_says_so(
    sqlite_path: Path,
    tmp_path: Path,
    retry: bool,  # noqa: FBT001 - a parameter of a test
    runs: int,
) -> None:
    """Where a database that it has attached is busy, all would have to be done again."""
    aside = tmp_path / "aside.db"
    calls: list[int] = []
    with application(aside) as other:
        other.execute("CREATE TABLE busy (id integer)")
        other.execute("BEGIN IMMEDIATE")

        async def hook(connection: Any) -> None:  # noqa: ANN401 - the driver's own
            connection.calls = calls
            if len(calls) == 1:
                await asyncio.to_thread(other.execute, "ROLLBACK")

        engine = engine_for(sqlite_path, setup=hook)
        counting = python("1", "connection.calls.append(1)", retry=retry)
        blocked = sql("2", f"ATTACH '{aside}' AS aside;\nINSERT INTO aside.busy VALUES (1);")
        if retry:
            await together(engine, counting, blocked)
        else:
            with pytest.raises(MigrationFailedError, match="locked") as caught:
                await together(engine, counting, blocked)
            assert "2" == caught.value.version

    assert runs == len(calls)
