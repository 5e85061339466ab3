"""What a command imports: nothing for the help, and never the driver of the other database."""

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


def imported(*words: str, cwd: Path, **environment: str) -> set[str]:
    """Return which of the heavy packages a Python process imports, by its own account."""
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
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "asyncmig" in names
    return HEAVY & names


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["up", "--help"]])
def test_help_imports_nothing_that_is_heavy(tmp_path: Path, words: list[str]) -> None:
    """It is there at once, also where no driver is installed."""
    assert set() == imported("-m", "asyncmig", *words, cwd=tmp_path)


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
