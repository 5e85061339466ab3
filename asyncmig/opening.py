"""Open a visit to the database, and glance at it, while the files are being got ready."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from asyncmig.errors import AsyncmigError
from asyncmig.glance import see_current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextlib import AbstractAsyncContextManager

    from asyncmig.engines.base import Engine, Session
    from asyncmig.glance import Checksums, Current

T = TypeVar("T")
V = TypeVar("V")


_HEAD_START = 6
"""Turns of the event loop that it takes asyncpg to reach a server near by and to greet it."""


async def head_start(engine: Engine) -> None:
    """Let the visit greet the server, if there is one: it thinks while the files are read.

    A thread that reads many small files leaves the loop no turn for up to 5 ms at a time
    (``sys.getswitchinterval()``): what is not sent by then waits for the files.
    """
    for _ in range(_HEAD_START if engine.is_remote else 0):
        await asyncio.sleep(0)


async def glance(
    engine: Engine, session: Session, reading: asyncio.Future[Checksums | None]
) -> Current | None:
    """Compare the files with the history as far as a glance goes.

    A server answers while the files are read. A database in this process is asked after that: two
    threads, each of many short calls, would pass the interpreter to and fro, which takes longer.
    """
    if not engine.is_remote:
        await reading
    found = await session.glance()
    checksums = await reading
    return None if found is None or checksums is None else see_current(checksums, found)


@asynccontextmanager
async def opened(
    visit: AbstractAsyncContextManager[V], beside: Coroutine[object, object, T]
) -> AsyncGenerator[tuple[V, asyncio.Future[T]]]:
    """Enter ``visit`` while ``beside`` is being done, and yield both: what was entered, the future.

    When ``beside`` fails, the opening is given up at once, and its error is the one that counts:
    with a wrong folder nobody needs to wait for a database that is starting.
    """
    aside = asyncio.ensure_future(beside)
    try:
        async with AsyncExitStack() as stack:
            yield await _enter(stack, visit, aside), aside
    finally:
        if not aside.done():
            aside.cancel()
            await asyncio.wait({aside})


async def _enter(
    stack: AsyncExitStack, visit: AbstractAsyncContextManager[V], aside: asyncio.Future[T]
) -> V:
    try:
        async with asyncio.timeout(None) as opening:
            with _on_failure(aside, lambda: opening.reschedule(0)):
                return await stack.enter_async_context(visit)
    except (AsyncmigError, TimeoutError):
        await aside
        raise


@contextmanager
def _on_failure(aside: asyncio.Future[T], act: Callable[[], None]) -> Generator[None]:
    """Act when the future fails while the block runs."""
    is_running = True

    def look(done: asyncio.Future[T]) -> None:
        if is_running and _failed(done):  # removing it does not stop one that is due already
            act()

    aside.add_done_callback(look)
    try:
        yield
    finally:
        is_running = False
        aside.remove_done_callback(look)


def _failed(task: asyncio.Future[T]) -> bool:
    """Tell whether the task is over with an error, and look at that, as asyncio wants."""
    return task.done() and not task.cancelled() and task.exception() is not None
