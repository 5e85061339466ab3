"""The help teaches, and comes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from asyncmig.cli.arguments import build_parser
from asyncmig.cli.commands import ENTRIES, load_command
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.version import __version__

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NAMES = [entry.name for entry in ENTRIES]
HEAVY = {"aiosqlite", "anyio", "asyncio", "asyncpg", "sqlite3", "structlog"}


def imported_by(*words: str) -> set[str]:
    """Return the modules that Python imports for a command, without those that measure coverage."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "asyncmig", *words],
        capture_output=True,
        env=environ,
        encoding="utf-8",
        timeout=30,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in NAMES)]
)
def test_the_help_imports_neither_drivers_nor_an_event_loop(words: list[str]) -> None:
    """The time of the help is the time of its imports."""
    assert set() == HEAVY & imported_by(*words)


def test_the_list_of_commands_imports_nothing_that_takes_time() -> None:
    """A budget: argparse and dataclasses would double it, the lexers triple it."""
    heavy = {"argparse", "dataclasses", "inspect", "json", "logging", "asyncmig.sql"}

    assert set() == heavy & imported_by("--help")


def test_asking_for_the_status_of_sqlite_imports_no_driver_of_postgresql(cli: CommandLine) -> None:
    """Nor structlog: reading logs nothing."""
    assert {"aiosqlite"} == {"aiosqlite", "asyncpg", "structlog"} & imported_by("status")
    assert cli.root.exists()


def test_the_help_lists_every_command_and_every_exit_code(bare: CommandLine) -> None:
    """It is where people look first."""
    told = bare("--help")

    text = told.stdout
    missing = [name for name in NAMES if f"\n  {name} " not in text]
    codes = [str(code.value) for code in ExitCode if f"{code.value} " not in text]
    assert (0, "", [], []) == (told.exit_code, told.stderr, missing, codes)


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["help"]])
def test_the_help_can_be_asked_for_in_every_common_way(bare: CommandLine, words: list[str]) -> None:
    """Nobody looks up how to ask for help."""
    assert bare("--help") == bare(*words)


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_has_examples_that_can_be_typed(bare: CommandLine, name: str) -> None:
    """Each example is understood by the parser that it explains."""
    told = bare(name, "--help")
    command = load_command(name)

    for line, purpose in command.examples:
        assert f"  # {purpose}\n  {line}\n" in told.stdout
        words = line.partition(f"asyncmig {name}")[2]
        for end in (" |", " >", " &&", ')"'):
            words = words.partition(end)[0]
        build_parser(name, command).read(words.split())
    assert (0, "") == (told.exit_code, told.stderr)


def test_the_help_of_a_command_can_be_asked_for_as_a_command(bare: CommandLine) -> None:
    """`asyncmig help up` is `asyncmig up --help`; an alias has the help of what it stands for."""
    assert bare("up", "--help") == bare("help", "up")
    assert bare("baseline", "-h") == bare("stamp", "-h")


def test_help_for_an_unknown_command_is_wrong_usage(bare: CommandLine) -> None:
    """It gets the same hint as the command itself."""
    told = bare("help", "upgrade")

    assert (2, True) == (told.exit_code, "did you mean `asyncmig up`?" in told.stderr)


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version_is_one_line(bare: CommandLine, words: list[str]) -> None:
    """Scripts read it."""
    assert f"asyncmig {__version__}\n" == bare(*words).stdout


def test_every_option_of_a_command_is_explained() -> None:
    """An option without a help text might as well not exist."""
    for name in NAMES:
        parser = build_parser(name, load_command(name))
        silent = [action.dest for action in parser._actions if not action.help]
        assert [] == silent
