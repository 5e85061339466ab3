"""The time for a clean-up, by itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from asyncmig.engines import base
from asyncmig.engines.cleanup import Grace

SECONDS = 0.8


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "CLEANUP_SECONDS", SECONDS)


async def steps(grace: Grace, count: int) -> list[str]:
    """Do one step that ends, then some that do not; return what became of each."""
    became = [await grace.finish(asyncio.sleep(0, "done"))]
    for _ in range(count):
        try:
            await grace.finish(asyncio.sleep(60))
        except TimeoutError:
            became.append("late")
    return became


async def test_the_steps_of_a_cancelled_task_share_the_time() -> None:
    """Three that do not end take little longer than one."""
    became: list[str] = []

    async def run() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            became.extend(await steps(Grace(), 3))

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["done", "late", "late", "late"] == became
    assert SECONDS <= time.monotonic() - began < 2.5 * SECONDS


async def test_without_a_cancellation_each_step_has_all_of_it() -> None:
    """A failure is no reason to hurry."""
    began = time.monotonic()

    assert ["done", "late", "late"] == await steps(Grace(), 2)
    assert time.monotonic() - began >= 2 * SECONDS


async def test_a_step_that_is_cancelled_in_its_middle_is_finished_first() -> None:
    """Its outcome is known, and then the cancellation arrives, once and in its own words."""
    ended: list[str] = []

    async def run() -> None:
        ended.append(await Grace().finish(asyncio.sleep(0.1, "done")))
        await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel("stop")
    with pytest.raises(asyncio.CancelledError, match="stop"):
        await task

    assert ["done"] == ended


async def test_what_has_no_limit_has_one_on_the_way_out() -> None:
    """A flush after a cancellation must not wait for a network that is gone."""
    became: list[str] = []

    async def run() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            try:
                await Grace().see_through(asyncio.sleep(60))
            except TimeoutError:
                became.append("late")

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["late"] == became
