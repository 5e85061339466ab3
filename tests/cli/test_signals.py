"""SIGINT and SIGTERM: cancelled, cleaned up, reported."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from asyncmig.cli import signals
from asyncmig.cli.errors import RunInterruptedError
from tests.commands import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import CommandLine

SLOW = """\
import asyncio
from pathlib import Path

async def up(connection):
    await connection.execute("CREATE TABLE half (id INTEGER)")
    Path("running").touch()
    await asyncio.sleep(30)
"""
STUBBORN = """\
import time
from pathlib import Path

async def up(connection):
    Path("running").touch()
    time.sleep(30)
"""


@contextlib.contextmanager
def running_up(root: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start `asyncmig up`, and wait until it is in the middle of the slow migration."""
    command = [sys.executable, "-W", "error", "-m", "asyncmig", "up", *words]
    with subprocess.Popen(
        command,
        cwd=root,
        env=clean_environment(root, ASYNCMIG_LOG_FORMAT="none"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            deadline = time.monotonic() + 20
            while not (root / "running").exists():
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_rolls_back_what_runs_and_keeps_what_is_committed(
    cli: CommandLine, number: signal.Signals, code: int
) -> None:
    """It ends soon, with the code of the signal and a sentence."""
    cli.migrations.write("003_slow.py", SLOW)

    with running_up(cli.root) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=10)

    expected = (
        f"error: interrupted by {number.name}\n"
        "hint: what was committed stays; `asyncmig status` shows where the database stands\n"
        "applied before that, and staying so: 001, 002\n"
    )
    assert (code, expected) == (process.returncode, err)
    (cli.migrations.path / "003_slow.py").write_text(SLOW.replace("30", "0"))
    assert 0 == cli("up", "-q").exit_code


def test_an_interrupted_run_is_a_document_too(cli: CommandLine) -> None:
    """With what it applied before."""
    cli.migrations.write("003_slow.py", SLOW)

    with running_up(cli.root, "--json") as process:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)

    document = json.loads(out)
    rows = [
        (row["version"], row["name"], row["kind"], row["state"], row["direction"])
        for row in document["migrations"]
    ]
    assert [
        ("001", "users", "versioned", "applied", "up"),
        ("002", "posts", "versioned", "applied", "up"),
    ] == rows
    assert (143, "up", "app.db", "RunInterruptedError") == (
        process.returncode,
        document["command"],
        document["database"],
        document["error"]["type"],
    )


def test_a_second_signal_ends_at_once_even_if_a_migration_blocks_the_loop(
    cli: CommandLine,
) -> None:
    """Who presses Ctrl-C twice does not want to wait; a program still gets its document."""
    cli.migrations.write("003_stubborn.py", STUBBORN)

    with running_up(cli.root, "--json") as process:
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)

    assert (130, "RunInterruptedError") == (
        process.returncode,
        json.loads(out)["error"]["type"],
    )
    assert time.monotonic() - began < 10


def test_signal_handlers_are_put_back() -> None:
    """After a run, and after one that was interrupted."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    async def interrupted() -> None:
        signal.raise_signal(signal.SIGTERM)
        import asyncio

        await asyncio.sleep(10)

    async def fine() -> int:
        return 7

    with pytest.raises(RunInterruptedError) as caught:
        signals.run(interrupted(), give_up=lambda _: None)
    result = signals.run(fine(), give_up=lambda _: None)

    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert (7, signal.SIGTERM, before) == (result, caught.value.signal, after)


def test_another_thread_can_call_it() -> None:
    """Signals are the main thread's business, so there they are left alone."""
    results: list[int] = []

    async def fine() -> int:
        return 7

    thread = threading.Thread(
        target=lambda: results.append(signals.run(fine(), give_up=lambda _: None))
    )
    thread.start()
    thread.join(10)

    assert [7] == results


def test_a_cancellation_that_no_signal_caused_is_passed_on() -> None:
    """Cancellation is never wrapped."""
    import asyncio

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        signals.run(cancelled(), give_up=lambda _: None)


def test_what_a_run_returns_is_not_spelled_out() -> None:
    """The task that Ctrl-C cancels is, with its result: a report can be long."""
    spelled: list[str] = []

    class Report:
        def __repr__(self) -> str:
            spelled.append("all of it")
            return "Report()"

    async def work() -> Report:
        return Report()

    found = signals.run(work(), give_up=lambda _: None)

    assert isinstance(found, Report)
    assert [] == spelled
