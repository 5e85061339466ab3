"""Guards around every test: no blocking call in an event loop, nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

GRACE = 2.0  # seconds; a thread that was told to end may need a moment

# Threads that belong to the event loop, which lives as long as a fixture of it: they are reused.
POOLED = ("AnyIO worker thread", "asyncio_")

# Where a blocking call is right: function, file, caller anywhere on the stack.
ALLOWED = (
    # asyncpg looks for ~/.pgpass and the keys of ~/.postgresql while it connects: on the loop,
    # with no way around it, and a few microseconds long.
    ("os.stat", "asyncpg/connect_utils.py", "_parse_connect_dsn_and_args"),
    ("os.path.abspath", "asyncpg/connect_utils.py", "_dot_postgresql_path"),
    # Several threads with a loop each may enter new code at once while its coverage is measured.
    ("threading.Lock.acquire", "coverage/collector.py", "lock_data"),
)


@contextlib.contextmanager
def no_blocking_call() -> Generator[None]:
    """Raise `blockbuster.BlockingError` where asyncmig blocks an event loop.

    Only calls with a frame of asyncmig on the stack count: a test may write a file inline.
    """
    with blockbuster_ctx("asyncmig") as buster:
        for function, file, caller in ALLOWED:
            buster.functions[function].can_block_in(file, caller)
        yield


@contextlib.contextmanager
def no_leaked_thread() -> Generator[None]:
    """Fail if a thread is left that was not there before: a connection nobody closed."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE
    while leaked := [thread for thread in _threads() if thread not in before]:
        if time.monotonic() > deadline:
            message = f"the test left threads running: {leaked}"
            raise AssertionError(message)
        time.sleep(0.005)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if not thread.name.startswith(POOLED)]


@contextlib.asynccontextmanager
async def no_leaked_task() -> AsyncGenerator[None]:
    """Fail if a task is left that was not there before."""
    before = _tasks()
    yield
    await asyncio.sleep(0)  # tasks that were cancelled a moment ago end now
    if leaked := _tasks() - before:
        message = f"the test left tasks running: {leaked}"
        raise AssertionError(message)


def _tasks() -> set[asyncio.Task[Any]]:
    """Return the tasks of the running loop but those of anyio's plugin, which drive the test."""
    names = {task: getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    return {task for task, name in names.items() if not name.startswith("TestRunner.")}
