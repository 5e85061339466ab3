"""Cancel a task at its k-th await, and in the ways in which applications cancel."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import types
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")


@types.coroutine
def interrupted(
    work: Coroutine[Any, None, T], *, at: int, cancel: Callable[[], object]
) -> Generator[Any, None, T]:
    """Await `work`, and call `cancel` when it is about to wait for the `at`-th time, from 1.

    Every suspension counts, also those inside of drivers: what the event loop would see is passed
    through, and stepped one by one.
    """
    resume = partial(work.send, None)
    for number in itertools.count(1):
        try:
            awaited = resume()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if number == at:
            cancel()
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the work
            resume = partial(work.throw, error)
        else:
            resume = partial(work.send, None)
    raise AssertionError


async def by_task(work: Coroutine[Any, None, T], *, at: int) -> bool:
    """Cancel the task; tell whether it was still at work."""
    return await _cancelled(work, at=at, times=1)


async def by_task_again_and_again(work: Coroutine[Any, None, T], *, at: int) -> bool:
    """Cancel the task, and cancel it once more in each of the next rounds of the event loop."""
    return await _cancelled(work, at=at, times=5)


async def by_scope(work: Coroutine[Any, None, T], *, at: int) -> bool:
    """Cancel a scope of anyio around it."""
    with anyio.CancelScope() as scope:
        await interrupted(work, at=at, cancel=scope.cancel)
    return scope.cancelled_caught


async def by_timeout(work: Coroutine[Any, None, T], *, at: int) -> bool:
    """Let the time of an `asyncio.timeout()` around it be up."""
    limit = asyncio.timeout(None)
    now = asyncio.get_running_loop().time
    with contextlib.suppress(TimeoutError):
        async with limit:
            await interrupted(work, at=at, cancel=lambda: limit.reschedule(now()))
    return limit.expired()


async def _cancelled(work: Coroutine[Any, None, T], *, at: int, times: int) -> bool:
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        task.cancel("the application's own words")
        for _ in range(times - 1):
            loop.call_soon(task.cancel)

    async def stepped() -> None:
        await interrupted(work, at=at, cancel=cancel)

    task = asyncio.create_task(stepped())
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return task.cancelled()
