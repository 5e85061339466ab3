"""What is imported: nothing for the help, one driver for a run, no parser to see that all is well.

By name and not by time, so that it fails on every machine alike.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.project import USERS
from tests.commands import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.project import Project

HEAVY = {"aiosqlite", "anyio", "asyncio", "asyncpg", "sqlite3", "structlog"}
PARSERS = {
    "anyio",
    "asyncmig.batching",
    "asyncmig.engines.batching",
    "asyncmig.engines.postgres.autocommit",
    "asyncmig.engines.postgres.batched",
    "asyncmig.engines.postgres.transactional",
    "asyncmig.engines.sqlite.applying",
    "asyncmig.engines.sqlite.batched",
    "asyncmig.engines.sqlite.stepwise",
    "asyncmig.engines.statements",
    "asyncmig.plan",
    "asyncmig.repair",
    "asyncmig.sources.folder",
    "asyncmig.sources.markers",
    "asyncmig.sources.names",
    "asyncmig.sources.python_file",
    "asyncmig.sources.sql_file",
    "asyncmig.sql.lexer",
    "asyncmig.sql.postgresql",
    "asyncmig.sql.sqlite",
    "asyncmig.sql.statements",
    "asyncmig.status",
}
"""What reads, checks and applies what is pending; the patterns of the lexer alone are forty."""

RUNNING = {
    "anyio._backends._asyncio",
    "asyncmig.engines.postgres.transactional",
    "asyncmig.engines.sqlite.applying",
    "asyncmig.engines.statements",
}
"""What only the runner needs that has the lock."""

VALUES = {
    "asyncmig.blocker",
    "asyncmig.engines.base.adoption",
    "asyncmig.engines.base.session",
    "asyncmig.engines.base.step",
    "asyncmig.events.event",
    "asyncmig.events.lock",
    "asyncmig.events.migration",
    "asyncmig.events.progress",
    "asyncmig.foreign",
    "asyncmig.history.edit",
    "asyncmig.history.entry",
    "asyncmig.history.history",
    "asyncmig.history.status",
    "asyncmig.locks",
    "asyncmig.migration.batching",
    "asyncmig.migration.migration",
    "asyncmig.migration.script",
    "asyncmig.report.repair",
    "asyncmig.report.status",
    "asyncmig.report.trace",
}
"""Classes of what there is none of then; to create one of them takes a third of a millisecond."""

MIGRATE = "import asyncio, sys, asyncmig; asyncio.run(asyncmig.migrate(*sys.argv[1:]))"

WAIT = """
import asyncio, sys
from asyncmig import Migrator
from asyncmig.engines import open_engine
from asyncmig.engines.base.runner import Runner
from asyncmig.engines.base.session import Wait
from asyncmig.engines.settings import EngineSettings
from asyncmig.errors import LockTimeoutError

async def wait(url, folder):
    held = Wait(0, lambda history: False, lambda holder, seconds: None)
    async with open_engine(url, EngineSettings()).session(Runner.new()) as session:
        async with session.lock(held):
            try:
                await Migrator(url, folder, wait_timeout=0.1).up()
            except LockTimeoutError:
                return
    sys.exit(1)

asyncio.run(wait(*sys.argv[1:]))
"""
"""Holds the lock, and waits for it."""

STEP_BY_STEP = "-- migrate:up transaction:false\nSELECT 1;\n"
PYTHON = "async def up(connection):\n    await connection.execute('SELECT 1')\n"
BATCHES = "-- migrate:up batch:9\nDELETE FROM users WHERE id IN (SELECT 1 LIMIT :batch_size);\n"

FIRST_CALL = """
import asyncio, sys, threading
import aiosqlite, asyncpg, asyncmig

NAMES = ("asyncmig", "anyio", "aiosqlite", "asyncpg", "sqlite3", "structlog")
here = []

class Watch:
    @staticmethod
    def find_spec(name, path, target=None):
        is_in_loop = threading.current_thread() is threading.main_thread()
        if is_in_loop and name.partition(".")[0] in NAMES:
            here.append(name)

sys.meta_path.insert(0, Watch)
{call}
print(*here)
"""
"""Prints what is imported in the thread of the event loop; the drivers are the application's."""

MIGRATE_IN_A_LOOP = FIRST_CALL.format(
    call="""
async def start(url, folder):
    await asyncmig.migrate(url, folder)

asyncio.run(start(*sys.argv[1:]))
"""
)
MIGRATOR_IN_A_LOOP = FIRST_CALL.format(
    call="""
async def start(url, folder):
    migrator = asyncmig.Migrator(url, folder)
    here.clear()
    await migrator.history()
    await migrator.up()
    await migrator.status()
    await migrator.plan()
    await migrator.wait_until_current()
    await migrator.repair(accept="1", dry_run=True)

asyncio.run(start(*sys.argv[1:]))
"""
)
LIFESPAN = FIRST_CALL.format(
    call="""
async def start(lifespan):
    async with lifespan(None):
        pass

lifespan = asyncmig.lifespan(*sys.argv[1:])
here.clear()
asyncio.run(start(lifespan))
"""
)


def imported(*words: str, cwd: Path, **environment: str) -> set[str]:
    """Return which modules and packages a Python process imports, by its own account."""
    # Coverage in a child process imports sqlite3 for itself.
    measured = [name for name in os.environ if name.startswith(("COV_", "COVERAGE_"))]
    found = clean_environment(cwd, **environment)
    done = subprocess.run(
        [sys.executable, "-v", *words],  # importtime does not see what import_module() is asked for
        capture_output=True,
        encoding="utf-8",
        env={name: value for name, value in found.items() if name not in measured},
        cwd=cwd,
        timeout=30,
        check=True,
    )
    modules = set(re.findall(r"^import '(\S+)' #", done.stderr, re.MULTILINE))
    assert "asyncmig" in modules
    return modules | {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["up", "--help"]])
def test_help_imports_nothing_that_is_heavy(tmp_path: Path, words: list[str]) -> None:
    """It is there at once, also where no driver is installed."""
    assert set() == HEAVY & imported("-m", "asyncmig", *words, cwd=tmp_path)


def test_the_package_imports_nothing_of_itself(tmp_path: Path) -> None:
    """``import asyncmig`` costs next to nothing; each name is loaded when it is first used."""
    found = imported("-c", "import asyncmig", cwd=tmp_path)

    assert set() == HEAVY & found
    assert {"asyncmig"} == {name for name in found if name.partition(".")[0] == "asyncmig"}


@pytest.mark.parametrize(
    ("url", "drivers"),
    [("sqlite", {"aiosqlite", "sqlite3"}), ("postgresql", {"asyncpg"})],
    indirect=["url"],
)
def test_a_run_imports_one_driver(empty_project: Project, drivers: set[str]) -> None:
    """The driver of the other database need not even be installed."""
    empty_project.migrations.write("001_users.sql", USERS)

    found = imported("-m", "asyncmig", "up", cwd=empty_project.root, **empty_project.environment)

    assert drivers == found & {"aiosqlite", "asyncpg", "sqlite3"}


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_start_with_nothing_to_do_imports_no_parser(empty_project: Project, url: str) -> None:
    """Every replica pays for it at every start: only what is pending has to be understood."""
    empty_project.migrations.write("001_users.sql", USERS)
    words = ("-c", MIGRATE, url, str(empty_project.migrations.path))

    first = imported(*words, cwd=empty_project.root)
    second = imported(*words, cwd=empty_project.root)

    assert "asyncmig.sql.lexer" in first
    assert set() == (PARSERS | VALUES | {"structlog"}) & second


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_start_with_nothing_to_do_leaves_modules_of_the_standard_library_out(
    empty_project: Project, url: str
) -> None:
    """Each takes a millisecond or two, and a few bytes of chance are to be had from the system.

    Not on PostgreSQL, where asyncpg imports them.
    """
    empty_project.migrations.write("001_users.sql", USERS)
    words = ("-c", MIGRATE, url, str(empty_project.migrations.path))

    imported(*words, cwd=empty_project.root)
    second = imported(*words, cwd=empty_project.root)

    assert set() == {"argparse", "pickle", "platform", "random", "tomllib", "uuid"} & second


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_command_with_nothing_to_do_imports_no_more_than_it_needs(
    empty_project: Project,
) -> None:
    """As a call from Python; what a command shows of a run is put off, too, and so is structlog."""
    empty_project.migrations.write("001_users.sql", USERS)
    words = ("-m", "asyncmig", "up")

    first = imported(*words, cwd=empty_project.root, **empty_project.environment)
    second = imported(*words, cwd=empty_project.root, **empty_project.environment)

    assert {"asyncmig.events.migration", "structlog"} <= first
    assert set() == (PARSERS | VALUES | {"structlog"}) & second


def test_a_folder_of_our_own_imports_no_format_of_another_tool(empty_project: Project) -> None:
    """There are twenty, and the patterns of all of them take as long as applying a few files."""
    empty_project.migrations.write("001_users.sql", USERS)
    empty_project.migrations.write("002_alone.sql", STEP_BY_STEP)
    empty_project.migrations.write("003_python.py", PYTHON)
    package = "asyncmig.sources.formats."

    found = imported("-m", "asyncmig", "up", cwd=empty_project.root, **empty_project.environment)

    assert {"base", "native", "recognition", "signs"} == {
        name.removeprefix(package) for name in found if name.startswith(package)
    }


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_process_that_only_waits_imports_nothing_for_running_migrations(
    empty_project: Project, url: str
) -> None:
    """Most of a crowd does no more than that, on the cores that the one at work needs, too."""
    empty_project.migrations.write("001_users.sql", USERS)
    words = ("-c", WAIT, url, str(empty_project.migrations.path))

    assert set() == RUNNING & imported(*words, cwd=empty_project.root)


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_look_imports_nothing_for_running_migrations(empty_project: Project) -> None:
    """A readiness check is a process of its own in many a container."""
    empty_project.migrations.write("001_users.sql", USERS)
    words = ("-m", "asyncmig", "status")

    found = imported(*words, cwd=empty_project.root, **empty_project.environment)

    assert set() == RUNNING & found


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (MIGRATE_IN_A_LOOP, ["asyncmig.startup", "asyncmig.engines", "asyncmig.importing"]),
        (MIGRATOR_IN_A_LOOP, []),
        (LIFESPAN, []),
    ],
    ids=["migrate", "migrator", "lifespan"],
)
def test_the_first_call_of_a_process_imports_off_the_loop(
    empty_project: Project, url: str, program: str, expected: list[str]
) -> None:
    """The rest of the application goes on, with something to apply and without."""
    empty_project.migrations.write("001_users.sql", USERS)
    empty_project.migrations.write("002_alone.sql", STEP_BY_STEP)
    empty_project.migrations.write("003_python.py", PYTHON)
    empty_project.migrations.write("004_batches.sql", BATCHES)
    words = [sys.executable, "-c", program, url, str(empty_project.migrations.path)]

    for _ in ("applied", "nothing to do"):
        done = subprocess.run(
            words,
            capture_output=True,
            encoding="utf-8",
            env=clean_environment(empty_project.root),
            cwd=empty_project.root,
            timeout=30,
            check=True,
        )

        assert expected == done.stdout.split()
