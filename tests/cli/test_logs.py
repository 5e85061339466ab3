"""Logs of the command line go to stderr, and configure nothing for good."""

from __future__ import annotations

import io
import json
import logging
import signal
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
