"""Logs of the command line go to stderr, and configure nothing for good."""

from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from asyncmig.cli.output.console import Console, Stream
from asyncmig.cli.output.logs import LogPlan, plan_logs
from asyncmig.cli.pyproject import Project
from asyncmig.cli.settings import LogFormat, Settings
from tests.cli.test_console import Terminal
from tests.commands import clean_environment

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

TALKATIVE = """\
import logging
import structlog

async def up(connection):
    structlog.get_logger().info("from structlog", rows=3)
    logging.getLogger("shop").warning("from %s", "logging")
    logging.getLogger("shop").debug("not shown")
"""
INFO, WARNING, ERROR, DEBUG = logging.INFO, logging.WARNING, logging.ERROR, logging.DEBUG
AUTO, CONSOLE, JSON, NONE = LogFormat


@pytest.mark.parametrize(
    ("reader", "style", "how", "expected"),
    [
        ("person", AUTO, {}, LogPlan(CONSOLE, WARNING, events=False)),
        ("person", AUTO, {"verbose": 1}, LogPlan(CONSOLE, INFO, events=True)),
        ("person", AUTO, {"verbose": 2}, LogPlan(CONSOLE, DEBUG, events=True)),
        ("person", AUTO, {"as_document": True}, LogPlan(CONSOLE, INFO, events=True)),
        ("person", JSON, {}, LogPlan(JSON, WARNING, events=True)),
        ("program", AUTO, {}, LogPlan(JSON, INFO, events=True)),
        ("program", AUTO, {"verbose": 1}, LogPlan(JSON, DEBUG, events=True)),
        ("program", AUTO, {"verbose": 5}, LogPlan(JSON, DEBUG, events=True)),
        ("program", AUTO, {"quiet": True}, LogPlan(JSON, ERROR, events=True)),
        ("program", CONSOLE, {}, LogPlan(CONSOLE, INFO, events=True)),
        ("program", NONE, {"as_document": True}, LogPlan(NONE, INFO, events=False)),
    ],
)
def test_what_is_logged_depends_on_who_reads(
    reader: str, style: LogFormat, how: dict[str, Any], expected: LogPlan
) -> None:
    """A person sees the progress and no event twice; everybody else gets the whole log."""
    stream = Stream(Terminal() if reader == "person" else io.StringIO(), {})
    origin = "" if style is AUTO else "--log-format"
    settings = Settings(Project(Path()), log_format=style, log_format_from=origin)
    options = {"as_document": False, "quiet": False, "verbose": 0} | how

    assert expected == plan_logs(settings, Console(stream, stream), **options)


def test_where_nobody_watches_the_log_is_json_lines(cli: CommandLine) -> None:
    """Events, structlog and the standard library alike, each line an object."""
    cli.migrations.write("003_talkative.py", TALKATIVE)

    told = cli("up", "--json")

    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert json.loads(told.stdout)["error"] is None
    assert [
        ("info", "asyncmig.run_started"),
        ("info", "asyncmig.lock_acquired"),
        *([("info", "asyncmig.migration_started"), ("info", "asyncmig.migration_applied")] * 2),
        ("info", "asyncmig.migration_started"),
        ("info", "from structlog"),
        ("warning", "from logging"),
        ("info", "asyncmig.migration_applied"),
        ("info", "asyncmig.migration_started"),
        ("info", "asyncmig.migration_applied"),
        ("info", "asyncmig.run_finished"),
    ] == [(line["level"], line["event"]) for line in lines]
    said = next(line for line in lines if line["event"] == "from structlog")
    assert ("003", 3) == (said["version"], said["rows"])


def test_a_line_looks_the_same_with_and_without_structlog(cli: CommandLine) -> None:
    """It is left out until something may log besides the beginning and the end of a run."""
    cli.migrations.write("003_talkative.py", TALKATIVE)

    begun, *rest, ended = logged_by_a_process(cli, "up")
    begun_again, ended_again = logged_by_a_process(cli, "up")

    assert [("info", "from structlog"), ("warning", "from logging")] == [
        (line["level"], line["event"]) for line in rest if line["event"].startswith("from")
    ]
    assert list(begun) == list(begun_again)
    assert list(ended) == list(ended_again)
    assert len(ended["timestamp"]) == len(ended_again["timestamp"])
    varying = {"run_id": "", "duration_ms": 0, "timestamp": "", "versions": []}
    assert ended | varying == ended_again | varying


def test_a_run_that_fails_before_it_migrates_says_so_without_structlog(cli: CommandLine) -> None:
    """A failure is an error in the log, too."""
    (cli.root / "no.db").mkdir()

    begun, ended = logged_by_a_process(cli, "up", "--database", "sqlite:///no.db", code=5)

    assert ("info", "error") == (begun["level"], ended["level"])
    assert ended["error"] == "the database no.db is a folder"


def test_a_setup_may_log_while_it_is_imported(cli: CommandLine) -> None:
    """It is the user's code, and the first of it that runs: long before there is a lock."""
    (cli.root / "hooks.py").write_text(
        "import structlog\n"
        "structlog.get_logger().info('imported')\n"
        "async def prepare(connection): pass\n"
    )

    lines = logged_by_a_process(cli, "up", "--setup", "hooks:prepare")

    assert ("info", "imported") == (lines[0]["level"], lines[0]["event"])


def test_what_others_log_is_rendered_by_structlog_whenever_it_comes() -> None:
    """A driver may warn before the first migration; what structlog says then is not lost either."""
    script = (
        "import logging, sys, io\n"
        "from asyncmig.cli.output.console import Stream\n"
        "from asyncmig.cli.output.logs import LogPlan, Logs\n"
        "from asyncmig.cli.settings import LogFormat\n"
        "plan = LogPlan(LogFormat.JSON, logging.INFO, events=True)\n"
        "with Logs(plan, Stream(sys.stderr, {})).written():\n"
        "    print('structlog' in sys.modules)\n"
        "    logging.getLogger('shop').warning('from %s', 'logging')\n"
        "    import structlog\n"
        "    structlog.get_logger().info('from structlog')\n"
        "print(structlog.is_configured())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=True,
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert ["False", "False"] == done.stdout.split()
    assert [("warning", "from logging"), ("info", "from structlog")] == [
        (line["level"], line["event"]) for line in lines
    ]


def logged_by_a_process(cli: CommandLine, *words: str, code: int = 0) -> list[dict[str, Any]]:
    """Return the lines that a command logs in a process of its own, where structlog is not yet."""
    done = subprocess.run(
        [sys.executable, "-m", "asyncmig", *words],
        cwd=cli.root,
        capture_output=True,
        encoding="utf-8",
        env=clean_environment(cli.root),
        timeout=30,
        check=False,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert code == done.returncode, done.stderr
    return lines


def test_logs_for_people_are_plain_where_there_are_no_colours(cli: CommandLine) -> None:
    """`--log-format console` into a file is readable."""
    told = cli("up", "--steps", "1", "--log-format", "console")

    assert (True, False) == ("asyncmig.migration_applied" in told.stderr, "\x1b" in told.stderr)


def test_no_logs_means_none(cli: CommandLine) -> None:
    """Of nobody."""
    cli.migrations.write("003_talkative.py", TALKATIVE)

    assert "" == cli("up", "--log-format", "none").stderr


@pytest.mark.parametrize(("words", "code"), [(["up"], 0), (["up", "--to", "99"], 2)])
def test_what_a_command_changes_in_the_interpreter_it_puts_back(
    cli: CommandLine, words: list[str], code: int
) -> None:
    """After success and after failure: logging, structlog, sys.path, signals, warnings."""
    logging.getLogger("shop").setLevel(logging.NOTSET)
    before = interpreter()

    found = cli(*words).exit_code

    assert (code, before) == (found, interpreter())


def test_a_structlog_that_was_configured_before_is_so_again(cli: CommandLine) -> None:
    """Whoever calls main() in a process of their own keeps their settings."""
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    try:
        before = structlog.get_config()
        cli("up")

        assert before == structlog.get_config()
    finally:
        structlog.reset_defaults()


def interpreter() -> dict[str, Any]:
    """Return what a library or a command could leave changed."""
    names = [None, "asyncmig", "aiosqlite", "asyncio", "shop"]
    loggers = [logging.getLogger(name) for name in names]
    return {
        "loggers": [(each.level, list(each.handlers), each.disabled) for each in loggers],
        "structlog": (structlog.is_configured(), structlog.get_config()),
        "path": list(sys.path),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "warnings": list(warnings.filters),
    }
