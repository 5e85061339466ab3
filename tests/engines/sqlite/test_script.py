"""The script of `plan --sql`, run through the sqlite3 shell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.errors import InvalidMigrationError, MigrationFailedError
from asyncmig.history import History
from asyncmig.plan import make_plan
from tests.engines.lab import (
    DOWN,
    LAX,
    RUNNER,
    UP,
    facts,
    history_of,
    python,
    repeatable,
    run,
    sql,
)
from tests.engines.sqlite.places import application, engine_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asyncmig.migration import Migration
    from asyncmig.request import Request
    from tests.commands import Finished

    Shell = Callable[[Path, str], Finished]

MIGRATIONS = (
    sql(
        "001",
        "CREATE TABLE users (id integer PRIMARY KEY, name text);\n"
        "INSERT INTO users VALUES (1, 'it''s; é\n.quit\n');\n-- the end; of it",
        "DROP TABLE users; -- 'gone'",
    ),
    sql("2", "-- only a comment", "-- nor here"),
    sql(
        "3",
        "CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END;"
        "\nINSERT INTO users (name) VALUES ('b') -- no semicolon",
        "DROP TRIGGER IF EXISTS t;\nDELETE FROM users WHERE name = 'b'",
    ),
    sql(
        "4",
        "VACUUM;\nCREATE TABLE more (id);\nBEGIN;\nINSERT INTO more VALUES (1);\n"
        "INSERT INTO more VALUES (2);\nCOMMIT;\n",
        "DROP TABLE more;\nVACUUM",
        transaction=False,
    ),
    sql(
        "5",
        "CREATE TABLE new (id integer PRIMARY KEY, name text, n int);\n"
        "INSERT INTO new SELECT *, 1 FROM users; DROP TABLE users;\n"
        "ALTER TABLE new RENAME TO users; /* open",
        "ALTER TABLE users DROP COLUMN n",
        foreign_keys=False,
    ),
    repeatable("view", "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM users;"),
)


async def script_for(path: Path, *migrations: Migration, request: Request = UP) -> str:
    """Return the script for what is to be done."""
    engine = engine_for(path)
    plan = make_plan(migrations, await history_of(engine), request, LAX)
    return engine.script(plan, RUNNER)


def dump(path: Path) -> list[str]:
    """Return the database as SQL, but for the history's rows."""
    with application(path) as connection:
        lines = list(connection.iterdump())
    return [line for line in lines if not line.startswith('INSERT INTO "asyncmig_history"')]


async def histories(*paths: Path) -> list[list[Any]]:
    """Return the histories without what differs from run to run."""
    return [[facts(entry) for entry in await history_of(engine_for(path))] for path in paths]


async def test_the_shell_does_what_a_run_does(tmp_path: Path, sqlite3_shell: Shell) -> None:
    """Up, again, and down: the same database and the same history."""
    ours, shell = tmp_path / "ours.db", tmp_path / "shell.db"
    changed = (*MIGRATIONS[:5], repeatable("view", "DROP VIEW v; CREATE VIEW v AS SELECT 1;"))
    for migrations, request in (
        (MIGRATIONS, UP),
        (changed, UP),
        (changed, replace(DOWN, steps=5)),
        (changed, UP),
    ):
        text = await script_for(shell, *migrations, request=request)
        done = sqlite3_shell(shell, text)
        assert (0, "", "") == (done.exit_code, done.stdout, done.stderr)
        await run(engine_for(ours), *migrations, request=request)
        mine, theirs = await histories(ours, shell)
        assert mine == theirs
        assert dump(ours) == dump(shell)


async def test_running_it_twice_fails_cleanly(tmp_path: Path, sqlite3_shell: Shell) -> None:
    """The history is not the one that it was made from any more; nothing changes."""
    path = tmp_path / "shell.db"
    text = await script_for(path, *MIGRATIONS)
    assert 0 == sqlite3_shell(path, text).exit_code
    before = (dump(path), await histories(path))
    again = sqlite3_shell(path, text)
    assert 1 == again.exit_code
    assert "the history is not the one that this script was made from" in again.stderr
    assert before == (dump(path), await histories(path))


async def test_a_failing_statement_leaves_nothing_of_its_migration(
    tmp_path: Path, sqlite3_shell: Shell
) -> None:
    """What was committed before stays, and the shell says that it failed."""
    path = tmp_path / "shell.db"
    broken = sql("2", "INSERT INTO users VALUES (2, '');\nNONSENSE;\nDROP TABLE users;")
    done = sqlite3_shell(path, await script_for(path, MIGRATIONS[0], broken))
    assert 1 == done.exit_code
    assert "NONSENSE" in done.stderr
    assert ["001"] == [entry.key for entry in await history_of(engine_for(path))]
    with application(path) as connection:
        assert [(1,)] == connection.execute("SELECT count(*) FROM users").fetchall()


async def test_a_script_goes_on_where_a_run_stopped(tmp_path: Path, sqlite3_shell: Shell) -> None:
    """A migration without a transaction is resumed, and its row finished."""
    path = tmp_path / "shell.db"
    start = "CREATE TABLE a (id);\n"
    with pytest.raises(MigrationFailedError):
        await run(engine_for(path), sql("1", f"{start}NONSENSE", transaction=False))
    rest = sql("1", f"{start}CREATE TABLE b (id);", transaction=False)
    assert 0 == sqlite3_shell(path, await script_for(path, rest)).exit_code
    assert [] == await run(engine_for(path), rest)


async def test_new_violations_stop_the_script(tmp_path: Path, sqlite3_shell: Shell) -> None:
    """Foreign keys that are off are checked as in a run."""
    path = tmp_path / "shell.db"
    tables = sql("1", "CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p REFERENCES p);")
    orphan = sql("2", "INSERT INTO c VALUES (1)", foreign_keys=False)
    done = sqlite3_shell(path, await script_for(path, tables, orphan))
    assert 1 == done.exit_code
    assert "the migration has left rows without their parents" in done.stderr
    assert 1 == len(await history_of(engine_for(path)))


async def test_a_null_character_is_no_end(tmp_path: Path, sqlite3_shell: Shell) -> None:
    """Down SQL is stored as it is."""
    path = tmp_path / "shell.db"
    odd = sql("1", "SELECT 1;", "SELECT 'a\0b\\';")
    assert 0 == sqlite3_shell(path, await script_for(path, odd)).exit_code
    (entry,) = await history_of(engine_for(path))
    assert "SELECT 'a\0b\\';" == entry.down_sql


async def test_python_is_refused(tmp_path: Path) -> None:
    """All of them are named."""
    path = tmp_path / "shell.db"
    with pytest.raises(InvalidMigrationError, match=r"cannot hold Python: 1_some\.py, 2_some\.py"):
        await script_for(path, python("1", "pass"), python("2", "pass"))
    assert History(exists=False) == await history_of(engine_for(path))
