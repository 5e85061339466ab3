"""The guards around every test: what they catch, and what they let pass."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosqlite
import asyncpg
import pytest
from blockbuster import BlockingError

import asyncmig
from tests.guards import no_leaked_task, no_leaked_thread

if TYPE_CHECKING:
    from collections.abc import Callable


def as_if_in_asyncmig(source: str) -> Any:  # noqa: ANN401 - it is whatever `source` defines as f
    """Return the function `f` that `source` defines, as if a module of asyncmig held it."""
    scope: dict[str, Any] = {}
    file = Path(asyncmig.__path__[0], "imaginary.py")
    exec(compile(source, file, "exec"), scope)  # noqa: S102 - how else to be in that file
    return scope["f"]


BLOCKING = {
    "sleep": "import time\ndef f(path, database): time.sleep(0)",
    "stat": "def f(path, database): path.exists()",
    "read": "def f(path, database): path.read_bytes()",
    "write": "def f(path, database): path.write_text('x')",
    "query": "def f(path, database): database.execute('SELECT 1')",
}


@pytest.mark.parametrize("source", BLOCKING.values(), ids=BLOCKING.keys())
async def test_a_blocking_call_of_asyncmig_in_the_loop_raises(source: str, tmp_path: Path) -> None:
    """Whatever waits for the clock, the disk or a database must not do so on the loop."""
    file = tmp_path / "file"
    file.write_text("the test itself may block")

    with (
        contextlib.closing(sqlite3.connect(":memory:")) as database,
        pytest.raises(BlockingError),
    ):
        as_if_in_asyncmig(source)(file, database)


@pytest.mark.parametrize("source", [BLOCKING["sleep"], BLOCKING["read"]], ids=["sleep", "read"])
async def test_a_worker_thread_may_block(source: str, tmp_path: Path) -> None:
    """Off the loop every call is fine."""
    file = tmp_path / "file"
    file.write_text("anything")

    await asyncio.to_thread(as_if_in_asyncmig(source), file, None)


async def test_the_drivers_pass_the_guard(postgres_url: str, sqlite_path: Path) -> None:
    """What asyncpg and aiosqlite do on the loop is allowed, also on behalf of asyncmig."""
    connect: Callable[..., Any] = as_if_in_asyncmig(
        "async def f(driver, where):\n"
        "    connection = await driver.connect(where)\n"
        "    await connection.execute('SELECT 1')\n"
        "    await connection.close()\n"
    )

    await connect(asyncpg, postgres_url)
    await connect(aiosqlite, sqlite_path)


def test_a_thread_left_running_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody closed shows as its thread."""
    monkeypatch.setattr("tests.guards.GRACE", 0)
    end = threading.Event()
    left = threading.Thread(target=end.wait, name="left behind")

    with pytest.raises(AssertionError, match="left behind"), no_leaked_thread():
        left.start()

    end.set()
    left.join()


async def test_a_task_left_running_is_reported() -> None:
    """A task that nobody awaits shows by its name."""
    left: asyncio.Task[None] | None = None

    with pytest.raises(AssertionError, match="left behind"):
        async with no_leaked_task():
            left = asyncio.create_task(asyncio.sleep(60), name="left behind")

    assert left is not None
    left.cancel()
