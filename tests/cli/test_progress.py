"""What people see while a run goes on."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.blocker import Blocker
from asyncmig.cli.output.console import Console, Stream
from asyncmig.cli.output.progress import Progress
from asyncmig.cli.output.table import counted, duration
from asyncmig.events import (
    LockAcquired,
    LockWaiting,
    MigrationApplied,
    MigrationFailed,
    MigrationProgressed,
    MigrationRetrying,
    MigrationReverted,
    MigrationStarted,
    MigrationWaiting,
    RunFinished,
    RunStarted,
)
from asyncmig.migration import Direction
from tests.cli.test_console import Terminal
from tests.commands import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.events import Event
    from tests.cli.conftest import CommandLine

RUN, DATABASE, UP, DOWN = "r1", "app.db", Direction.UP, Direction.DOWN
STARTED = MigrationStarted(RUN, DATABASE, "001", "users", UP)
APPLIED = MigrationApplied(RUN, DATABASE, "001", "users", UP, 12)
REVERTED = MigrationReverted(RUN, DATABASE, "001", "users", DOWN, 1200)
REPEATABLE = MigrationApplied(RUN, DATABASE, "R__totals", "totals", UP, 62_000)
WAITING = LockWaiting(RUN, DATABASE, 5000, "asyncmig/x (pid 7)")
RETRYING = MigrationRetrying(RUN, DATABASE, "001", "users", UP, 2, 100, "lock timeout")
PROGRESSED = MigrationProgressed(RUN, DATABASE, "001", "users", UP, 57, 57_000, 11_400.4, 9, 12_000)
FAILED = MigrationFailed(RUN, DATABASE, "001", "users", UP, "no", "001_users.sql")
CTRL_C = b"\x03"
FINISHED = RunFinished(RUN, DATABASE, UP, ("001",), 12)


def told(
    *events: Event, out: io.StringIO, alone: bool = True, locks: bool = False
) -> tuple[str, str]:
    """Return what is on stdout and stderr after these events."""
    err = io.StringIO()
    environ = {"NO_COLOR": "1", "COLUMNS": "40"}

    async def tell() -> None:
        console = Console(Stream(out, environ), Stream(err, environ))
        progress = Progress(console, alone=alone, locks=locks)
        for event in events:
            progress(event)

    asyncio.run(tell())
    return out.getvalue(), err.getvalue()


def test_a_pipe_gets_a_line_for_each_migration() -> None:
    """What is over, and nothing that would have to be erased."""
    out, err = told(
        RunStarted(RUN, DATABASE, UP),
        STARTED,
        APPLIED,
        REVERTED,
        REPEATABLE,
        FAILED,
        FINISHED,
        out=io.StringIO(),
    )

    assert (
        "applied  001 users (12 ms)\nreverted 001 users (1.2 s)\napplied  R__totals (1 min 02 s)\n",
        "",
    ) == (out, err)


def test_waits_and_retries_are_told_on_stderr_where_there_is_no_terminal() -> None:
    """Somebody may watch stderr while stdout goes into a file."""
    out, err = told(WAITING, RETRYING, out=io.StringIO())

    assert (
        "",
        "waiting for asyncmig/x (pid 7)\n001 users waits for a lock (try 2): lock timeout\n",
    ) == (out, err)


def test_who_is_in_the_way_is_named() -> None:
    """The pid is what it takes to look for them, or to end them."""
    psql = Blocker(pid=7, application="psql", user="app", state="idle in transaction")
    autovacuum = Blocker(pid=8)

    _, err = told(
        replace(RETRYING, blockers=(psql, autovacuum)),
        MigrationWaiting(RUN, DATABASE, "001", "users", UP, 5000, "waiting for writers", (psql,)),
        MigrationWaiting(RUN, DATABASE, "001", "users", UP, 5000, "", (psql,)),
        out=io.StringIO(),
    )

    who = "psql (pid 7, app, idle in transaction)"
    assert [
        f"001 users waits for a lock (try 2): lock timeout; held by {who}; a session (pid 8)",
        f"001 users waits for {who} (waiting for writers)",
        f"001 users waits for {who}",
    ] == err.splitlines()


def test_waits_and_retries_are_told_once() -> None:
    """Where the logs have them, they are not told again."""
    assert ("", "") == told(WAITING, RETRYING, STARTED, out=io.StringIO(), alone=False)


def test_the_progress_of_batches_is_told_as_far_as_it_is_known() -> None:
    """Nobody counts the rows of Python, and not every database reckons how many are left."""
    unreckoned = replace(PROGRESSED, remaining_rows=None, remaining_ms=None)
    in_python = replace(unreckoned, rows=None, rate=None)
    first = replace(in_python, batches=1)

    _, err = told(PROGRESSED, unreckoned, in_python, first, out=io.StringIO())

    assert [
        "001 users: 57,000 rows, 11,400 a second, about 9 and 12.0 s left",
        "001 users: 57,000 rows, 11,400 a second",
        "001 users: 57 batches",
        "001 users: 1 batch",
    ] == err.splitlines()


def test_a_terminal_shows_the_progress_of_batches_until_they_are_over() -> None:
    """In the line of what runs."""
    in_python = replace(PROGRESSED, rows=None, rate=None, remaining_rows=None)

    out, _ = told(STARTED, in_python, APPLIED, out=Terminal())

    shown = ["applying 001 users …", "", "001 users: 57 batches …", "applied  001 users (12 ms)\n"]
    assert shown == out.split("\r\x1b[K")[1:]


def test_a_terminal_shows_what_runs_until_it_is_over() -> None:
    """The line is erased before the next one is written."""
    out, _ = told(STARTED, APPLIED, out=Terminal())

    assert "\r\x1b[Kapplying 001 users …\r\x1b[Kapplied  001 users (12 ms)\n" == out


def test_a_terminal_counts_the_seconds_of_a_wait() -> None:
    """From when it began; no line is wider than the terminal, or it could not be erased."""
    out, _ = told(WAITING, LockAcquired(RUN, DATABASE, 5100), out=Terminal())

    assert "\r\x1b[Kwaiting for asyncmig/x (pid 7) … 5 s\r\x1b[K" == out


def test_a_line_that_comes_and_goes_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that wraps cannot be erased."""
    monkeypatch.setenv("COLUMNS", "20")

    out, _ = told(STARTED, FINISHED, out=Terminal())

    assert "\r\x1b[Kapplying 001 users \r\x1b[K" == out


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (59_949, "59.9 s"),
        (59_999, "60.0 s"),
        (60_000, "1 min 00 s"),
        (3_725_000, "62 min 05 s"),
    ],
)
def test_durations_are_short(milliseconds: int | None, expected: str) -> None:
    """People compare them at a glance."""
    assert expected == duration(milliseconds)


def test_a_counter_shows_whole_seconds() -> None:
    """And nothing at all in the first one."""
    assert ["", "1 s", "59 s", "2 min 05 s"] == [counted(seconds) for seconds in (0, 1, 59, 125)]


def on_a_terminal(cli: CommandLine, *words: str, typed: bytes = b"") -> tuple[int, str]:
    """Run asyncmig on a terminal of its own; return the exit code and all that it shows.

    Args:
        cli: Where.
        words: The command.
        typed: The answer to its question.
    """
    ours, theirs = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "asyncmig", *words]
    environ = clean_environment(cli.root, TERM="xterm", COLUMNS="100")
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=cli.root
    ) as running:
        os.close(theirs)
        try:
            shown = b"".join(chunks(ours, running, typed))
            code = running.wait(timeout=30)
        finally:
            running.kill()  # or a failing test would wait for it for ever
            os.close(ours)
    return code, shown.decode().replace("\r\n", "\n")


def chunks(terminal: int, running: subprocess.Popen[bytes], typed: bytes) -> Iterator[bytes]:
    """Yield what a program shows; answer its question when it comes."""
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux says EIO when the other end is closed
            return
        yield chunk
        shown += chunk
        if typed and shown.endswith(b"[y/N] "):
            # A terminal makes a signal of it only for who controls it: the test does not.
            running.send_signal(signal.SIGINT) if typed == CTRL_C else os.write(terminal, typed)
            typed = b""


def test_a_real_terminal_sees_colours_a_counter_and_each_thing_once(cli: CommandLine) -> None:
    """No event is told a second time by the logs."""
    cli.migrations.write(
        "003_slow.py",
        "import asyncio\n\nasync def up(connection):\n    await asyncio.sleep(1.2)\n",
    )

    code, shown = on_a_terminal(cli, "up")

    assert 0 == code
    assert "\x1b[2mapplying 003 slow … 1 s\x1b[0m" in shown
    last = [re.sub(r".*\r\x1b\[K", "", line) for line in shown.strip().split("\n")]
    plain = [re.sub(r"\x1b\[\d+m", "", line) for line in last]
    assert [
        "applied  001 users (T)",
        "applied  002 posts (T)",
        "applied  003 slow (T)",
        "applied  R__totals (T)",
        "4 applied in T: app.db is at 003",
    ] == [re.sub(r"\d+ ms|\d\.\d s", "T", line) for line in plain]


def test_ctrl_c_at_a_question_ends_the_command(cli: CommandLine) -> None:
    """Once is enough: nothing is running."""
    cli.migrations.remove("R__totals.sql")
    cli("up", "-q")

    found, shown = on_a_terminal(cli, "down", "--to", "0", typed=CTRL_C)

    assert (130, True) == (found, "interrupted by SIGINT" in shown)


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"yes\n", 0), (b"\n", 2), (b"n\n", 2)])
def test_a_person_at_a_terminal_is_asked(cli: CommandLine, answer: bytes, code: int) -> None:
    """Only yes is yes."""
    cli.migrations.remove("R__totals.sql")
    cli("up", "-q")

    found, shown = on_a_terminal(cli, "down", "--to", "0", typed=answer)

    assert (code, True) == (found, "Revert 2 migrations in app.db? [y/N] " in shown)
