"""Finish what must be finished, although the task is being cancelled.

anyio's shields stop the cancellation of anyio's own scopes, not a native ``Task.cancel()``, and a
server that has gone away stops neither. So what must run to its end runs in a task of its own, for
a bounded time, and the cancellation is delivered afterwards.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import anyio

from asyncmig.engines.base import CLEANUP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def finish(work: Coroutine[object, object, T], *, within: float = CLEANUP_SECONDS) -> T:
    """Await ``work`` to its end, even when this task is cancelled meanwhile.

    A cancellation that arrives is put off: it is delivered at the next ``await`` after this one,
    so that the caller can first report what became of the work.

    Args:
        work: What must not be left in the middle.
        within: Seconds it may take.

    Raises:
        TimeoutError: It took longer; the work itself was cancelled.
    """
    task = asyncio.ensure_future(work)
    deadline = asyncio.get_running_loop().time() + within
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done() and (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.wait({task}, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        _cancel_again(cancelled)
    if not task.done():
        task.cancel()
        task.add_done_callback(_retrieve)
        raise TimeoutError
    return task.result()


async def see_through(work: Coroutine[object, object, T]) -> T:
    """Await ``work`` for as long as it takes; once this task is cancelled, for a bounded time.

    For COMMIT: its outcome must be known, and a synchronous standby may take its time.

    Raises:
        TimeoutError: The task was cancelled and the work did not end in time after that.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError as error:  # of either kind: a shield would hide anyio's
        _cancel_again(error)
    return await finish(_await(task)) if not task.done() else task.result()


async def _await(task: asyncio.Future[T]) -> T:
    return await task


def _cancel_again(swallowed: asyncio.CancelledError) -> None:
    """Deliver a swallowed cancellation at the next await, without counting it twice.

    ``asyncio.timeout()`` and task groups compare ``Task.cancelling()`` with what they asked for,
    and anyio's scopes know theirs by the message.
    """
    current = asyncio.current_task()
    if current is not None:
        current.uncancel()
        current.cancel(*swallowed.args)


def _retrieve(task: asyncio.Future[T]) -> None:
    """Look at the outcome of abandoned work, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()
