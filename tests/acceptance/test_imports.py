"""What is imported: nothing for the help, one driver for a run, no parser to see that all is well.

By name and not by time, so that it fails on every machine alike.
"""

from __future__ import annotations

import os
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
    "anyio._backends._asyncio",
    "asyncmig.engines.postgres.autocommit",
    "asyncmig.engines.postgres.transactional",
    "asyncmig.engines.sqlite.applying",
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

MIGRATE = "import asyncio, sys, asyncmig; asyncio.run(asyncmig.migrate(*sys.argv[1:]))"


def imported(*words: str, cwd: Path, **environment: str) -> set[str]:
    """Return which modules and packages a Python process imports, by its own account."""
    # Coverage in a child process imports sqlite3 for itself.
    measured = [name for name in os.environ if name.startswith(("COV_", "COVERAGE_"))]
    found = clean_environment(cwd, **environment)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        capture_output=True,
        encoding="utf-8",
        env={name: value for name, value in found.items() if name not in measured},
        cwd=cwd,
        timeout=30,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
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
    assert set() == (PARSERS | {"structlog"}) & second
