"""Finish what must be finished, although the task is being cancelled.

anyio's shields stop the cancellation of anyio's own scopes, not a native ``Task.cancel()``, and a
server that has gone away stops neither. So what must run to its end runs in a task of its own, for
a bounded time, and the cancellation is delivered afterwards.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from asyncmig.engines import base

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine
    from contextlib import AbstractContextManager

P = ParamSpec("P")
T = TypeVar("T")

_LEAST_SECONDS = 0.25
"""What every step gets, also when the time is up: on a connection that was terminated it needs
none, but a busy event loop does."""


class Grace:
    """The time that a connection has for its clean-up once its task is being cancelled.

    All steps share it: a statement to cancel, a rollback, a lock to give back and a goodbye, each
    with seconds of its own, would add up to more than was promised. Without a cancellation each
    step has all of it.
    """

    def __init__(self) -> None:
        self._deadline: float | None = None

    async def finish(self, work: Coroutine[object, object, T]) -> T:
        """Await ``work`` to its end, even when this task is cancelled meanwhile.

        A cancellation that arrives is put off: it is delivered at the next ``await`` after this
        one, so that the caller can first report what became of the work.

        Args:
            work: What must not be left in the middle.

        Raises:
            TimeoutError: The time was up; the work itself was cancelled.
        """
        task = asyncio.ensure_future(work)
        if not await self.wait(task):
            task.cancel()
            task.add_done_callback(_retrieve)
            raise TimeoutError
        return task.result()

    async def wait(self, task: asyncio.Future[T]) -> bool:
        """Wait for ``task`` as :meth:`finish` does, and tell whether it is done.

        One that is not is left alone.
        """
        deadline = _now() + self._left()
        cancelled: asyncio.CancelledError | None = None
        while not task.done() and (left := deadline - _now()) > 0:
            try:
                with _shield() if _is_cancelled() else nullcontext():
                    await asyncio.wait({task}, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
                deadline = min(deadline, _now() + self._left())
        if cancelled is not None:
            _cancel_again(cancelled)
        return task.done()

    async def see_through(self, work: Coroutine[object, object, T]) -> T:
        """Await ``work`` for as long as it takes; once this task is cancelled, for a bounded time.

        For COMMIT: its outcome must be known, and a synchronous standby may take its time. On the
        way out of a task that was cancelled before, the time is bounded from the beginning.

        Raises:
            TimeoutError: The task was cancelled and the work did not end in time after that.
        """
        if _is_cancelled():
            return await self.finish(work)
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:  # of either kind: a shield would hide anyio's
            return await self.finish_first(error, _await(task))
        return task.result()

    async def finish_first(
        self, cancelled: asyncio.CancelledError, work: Coroutine[object, object, T]
    ) -> T:
        """Finish what a cancellation has found under way; it is delivered after that.

        Args:
            cancelled: The cancellation, which was caught.
            work: What must not be left in the middle.

        Raises:
            TimeoutError: The time was up.
        """
        _cancel_again(cancelled)
        return await self.finish(work)

    def _left(self) -> float:
        """Return the seconds for the next step. The clock starts when a cancellation is seen."""
        if not _is_cancelled():
            self._deadline = None
            return base.CLEANUP_SECONDS
        if self._deadline is None:
            self._deadline = _now() + base.CLEANUP_SECONDS
        return max(self._deadline - _now(), _LEAST_SECONDS)


async def finish(work: Coroutine[object, object, T]) -> T:
    """Await ``work`` as :meth:`Grace.finish` does, with time of its own."""
    return await Grace().finish(work)


async def see_through(work: Coroutine[object, object, T]) -> T:
    """Await ``work`` as :meth:`Grace.see_through` does, with time of its own."""
    return await Grace().see_through(work)


@asynccontextmanager
async def delivering() -> AsyncGenerator[None]:
    """Deliver on the way out what was put off inside, and not delivered by an ``await`` since.

    Else the application's own next ``await`` would get it, outside of the ``asyncio.timeout()``
    that it belongs to.
    """
    try:
        yield
    finally:
        await asyncio.sleep(0)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a short piece of work in a thread, which nothing can stop, see :func:`see_through`."""
    return await see_through(asyncio.to_thread(work, *args, **kwargs))


def _is_cancelled() -> bool:
    """Tell whether this task was asked to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _shield() -> AbstractContextManager[object]:
    """Keep a scope of anyio from cancelling again and again, as it does until it is left.

    Imported where it is needed: to load what is behind anyio takes longer than to see that nothing
    is to be done, and an application whose scope has cancelled us has loaded it.
    """
    from anyio import CancelScope

    return CancelScope(shield=True)


def _now() -> float:
    return asyncio.get_running_loop().time()


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
