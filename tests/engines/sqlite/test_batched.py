"""What is special about batches on SQLite: the application's turn, triggers, and conflicts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from asyncmig.checksum import checksum
from asyncmig.engines.sqlite import batched
from asyncmig.errors import (
    IncompleteMigrationError,
    InvalidMigrationError,
    MigrationFailedError,
    TransactionLostError,
)
from asyncmig.history import History
from asyncmig.migration import Batching, Migration, SqlScript, Version
from asyncmig.plan import make_plan
from tests.engines.lab import (
    LAX,
    RUNNER,
    UP,
    Seen,
    in_batches,
    python_batches,
    run,
    sql,
)
from tests.engines.sqlite.places import engine_for, rows

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1000
TABLE = sql(
    "1",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);\n"
    "CREATE TABLE log (id INTEGER);\n"
    "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 1000)\n"
    "INSERT INTO t (id) SELECT g FROM s;",
)
STATEMENT = "UPDATE t SET n = n + 1 WHERE id IN (SELECT id FROM t WHERE n = 0 LIMIT :batch_size)"
COUNTED = "SELECT n, count(*) FROM t GROUP BY n ORDER BY n"


def write(path: Path) -> None:
    """Write once, as an application does that waits for its turn as SQLite waits."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        connection.execute("INSERT INTO log VALUES (1)")


async def test_an_application_writes_between_two_batches(sqlite_path: Path) -> None:
    """They leave it a pause, in which SQLite's own waiting looks again."""
    text = STATEMENT.replace("n = 0", "n < 1000")
    batching = Batching(size=100)
    busy = Migration(
        Version("2"), "busy", checksum(text), SqlScript(text, "2.sql", batching=batching)
    )
    engine, seen = engine_for(sqlite_path), Seen()
    await run(engine, TABLE)
    begun = anyio.Event()
    seen.on_progress = begun.set
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:

            async def apply() -> None:
                with pytest.raises(MigrationFailedError, match="round and round"):
                    await run(engine, TABLE, busy, seen=seen)

            tasks.start_soon(apply)
            await begun.wait()
            await anyio.to_thread.run_sync(write, sqlite_path)
            assert [(1,)] == rows(sqlite_path, "SELECT id FROM log")
    assert 0.1 < batched._PAUSE


async def test_rows_are_those_of_the_statement_and_not_of_its_triggers(sqlite_path: Path) -> None:
    """It ends when it changes nothing, and so do they."""
    trigger = sql(
        "2",
        "CREATE TRIGGER logged AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id); END;",
    )
    *_, entry = await run(engine_for(sqlite_path), TABLE, trigger, in_batches("3", STATEMENT))
    assert entry.progress is not None
    assert entry.progress.batches is not None
    assert ROWS == entry.progress.batches.rows
    assert [(ROWS,)] == rows(sqlite_path, "SELECT count(*) FROM log")


async def test_what_a_trigger_changes_instead_counts(sqlite_path: Path) -> None:
    """The statement itself changes no row of a view."""
    view = sql(
        "2",
        "CREATE VIEW v AS SELECT * FROM t;\n"
        "CREATE TRIGGER instead INSTEAD OF UPDATE ON v "
        "BEGIN UPDATE t SET n = new.n WHERE id = new.id; END;",
    )
    count = in_batches("3", STATEMENT.replace("UPDATE t", "UPDATE v"))
    await run(engine_for(sqlite_path), TABLE, view, count)
    assert [(1, ROWS)] == rows(sqlite_path, COUNTED)


async def test_a_rollback_that_a_conflict_made_leaves_a_question(sqlite_path: Path) -> None:
    """What the function did after it is committed by itself, without a cursor."""
    source = (
        "await batch.connection.execute('UPDATE t SET n = 7')\n"
        "try:\n"
        "    await batch.connection.execute('INSERT OR ROLLBACK INTO t (id) VALUES (1)')\n"
        "except Exception:\n"
        "    pass\n"
        "await batch.connection.execute('UPDATE t SET n = n + 1')\n"
        "return 1"
    )
    lost = python_batches("2", source)
    with pytest.raises(TransactionLostError):
        await run(engine_for(sqlite_path), TABLE, lost)
    with pytest.raises(IncompleteMigrationError):
        await run(engine_for(sqlite_path), TABLE, lost)
    assert [(1, ROWS)] == rows(sqlite_path, COUNTED)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [("commit()", "asks for COMMIT"), ("close()", "closed the connection")],
)
async def test_a_function_leaves_the_transaction_to_asyncmig(
    sqlite_path: Path, call: str, sentence: str
) -> None:
    """Nothing of its batch remains, and the next run begins there."""
    source = (
        "await batch.connection.execute('UPDATE t SET n = 7')\n"
        f"await batch.connection.{call}\nreturn 1"
    )
    with pytest.raises(MigrationFailedError, match=sentence):
        await run(engine_for(sqlite_path), TABLE, python_batches("2", source))
    assert [(0, ROWS)] == rows(sqlite_path, COUNTED)
    await run(engine_for(sqlite_path), TABLE, in_batches("2", STATEMENT))
    assert [(1, ROWS)] == rows(sqlite_path, COUNTED)


async def test_batches_cannot_be_written_as_a_script(sqlite_path: Path) -> None:
    """The shell has no loop; the sentence says what to do instead."""
    plan = make_plan([TABLE, in_batches("2", STATEMENT)], History(exists=False), UP, LAX)
    with pytest.raises(InvalidMigrationError, match="runs in batches and cannot be written"):
        engine_for(sqlite_path).script(plan, RUNNER)
