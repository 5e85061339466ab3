"""How work in the thread ends when its task is cancelled, and when an observer hears of it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from asyncmig.engines.sqlite.connection import open_worker
from asyncmig.history import Generation, History
from tests.engines.lab import Seen, first_step, locked, sql
from tests.engines.sqlite.test_steps import SLOW

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine
    from asyncmig.engines.sqlite.connection import Raw

SECONDS = 10


async def test_a_cancellation_in_front_of_a_commit_keeps_it_from_beginning() -> None:
    """Nothing can be interrupted between two statements; the COMMIT is asked for all the same."""
    worker = await open_worker("file::memory:")
    at_work, go_on = threading.Event(), threading.Event()
    committed = list[object]()

    def work(_raw: Raw) -> None:
        at_work.set()
        assert go_on.wait(SECONDS)

    task = asyncio.create_task(worker.run_and_commit(work, committed.append))
    await asyncio.to_thread(at_work.wait, SECONDS)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.close()

    assert [] == committed


async def test_what_a_commit_raises_is_heard_although_the_task_is_cancelled() -> None:
    """Its outcome stands, whatever it is, and the cancellation comes after it."""
    worker = await open_worker("file::memory:")
    at_work, go_on = threading.Event(), threading.Event()
    heard = list[str]()

    def commit(_raw: Raw) -> None:
        at_work.set()
        assert go_on.wait(SECONDS)
        raise LookupError

    async def wait() -> None:
        try:
            await worker.run_and_commit(lambda _raw: None, commit)
        except LookupError:
            heard.append("LookupError")
        await anyio.lowlevel.checkpoint()
        heard.append("went on")

    task = asyncio.create_task(wait())
    await asyncio.to_thread(at_work.wait, SECONDS)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.close()

    assert ["LookupError"] == heard


async def test_an_observer_hears_that_a_long_step_has_started_while_it_runs(
    engine: Engine,
) -> None:
    """Nobody wants to hear of it together with its end."""
    started = asyncio.Event()
    events = replace(Seen().events, on_started=started.set)

    async def apply() -> None:
        async with locked(engine) as session:
            await session.apply(first_step(History(), sql("1", SLOW)), Generation(), events)

    task = asyncio.create_task(apply())
    with anyio.fail_after(SECONDS):
        await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
