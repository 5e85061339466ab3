"""Signals and readers who leave: a sentence, an exit code, and nothing half done."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import on_each_database
from tests.acceptance.project import sleeping_migration, wait_for

if TYPE_CHECKING:
    from tests.acceptance.project import Project

SECONDS = 10  # for what ends at once on an idle machine
HINT = "what was committed stays; `asyncmig status` shows where the database stands"
ENDLESS = {
    True: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    False: "SELECT pg_catalog.pg_sleep(60)",
}
WITH_STATEMENT = """\
from pathlib import Path

async def up(connection):
    await connection.execute("CREATE TABLE half (id INTEGER)")
    Path("sleeping").touch()
    await connection.execute("{}")
"""
BLOCKING = """\
import time
from pathlib import Path

async def up(connection):
    await connection.execute("CREATE TABLE half (id INTEGER)")
    Path("sleeping").touch()
    time.sleep(60)
"""


def started(project: Project, migration: str, *words: str) -> subprocess.Popen[str]:
    """Return a process that is in the middle of a migration."""
    project.migrations.write("002_slow.py", migration)
    process = project.opened.enter_context(project.running("up", *words))
    wait_for(project.root / "sleeping", process)
    return process


def assert_next_run_works(project: Project) -> None:
    """Nobody has to unlock anything, and the table is not there yet."""
    project.migrations.remove("002_slow.py")
    project.migrations.write("002_quick.sql", "CREATE TABLE half (id INTEGER);\n")
    told = project.call("up", "--wait-timeout", str(SECONDS))
    assert 0 == told.exit_code, told.stderr


@on_each_database
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_undoes_the_running_migration(project: Project, number: signal.Signals) -> None:
    """It says so, exits with 128 and the number, and the next run works at once."""
    before = project.dump()
    process = started(project, sleeping_migration(60))

    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)

    expected = (128 + number, "", f"error: interrupted by {number.name}\nhint: {HINT}\n")
    assert expected == (process.returncode, out, err)
    assert before == project.dump()
    assert_next_run_works(project)


@on_each_database
def test_a_signal_cancels_the_running_statement(project: Project) -> None:
    """The database does not go on with it; a program gets its document."""
    before = project.dump()
    process = started(project, WITH_STATEMENT.format(ENDLESS[project.is_sqlite]), "--json")

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=SECONDS)

    error = json.loads(out)["error"]
    assert (143, "RunInterruptedError", HINT) == (process.returncode, error["type"], error["hint"])
    assert before == project.dump()
    assert_next_run_works(project)


@on_each_database
def test_a_second_signal_ends_it_at_once(project: Project) -> None:
    """Also while the migration blocks the event loop, so that the first one cannot be heard."""
    before = project.dump()
    process = started(project, BLOCKING)

    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)

    assert (130, False) == (process.returncode, "Traceback" in err)
    assert err.startswith("error: interrupted by SIGINT\n")
    assert before == project.dump()
    assert_next_run_works(project)


@pytest.mark.parametrize("words", [["status"], ["history"], ["--help"], ["status", "--json"]])
def test_a_reader_who_leaves_is_no_failure(project: Project, words: list[str]) -> None:
    """`asyncmig history | head -1` says nothing about a broken pipe."""
    with project.running(*words) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=SECONDS)

    assert (0, "") == (process.returncode, err)
