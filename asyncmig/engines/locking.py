"""Wait for the lock by asking for it again and again, never inside a statement of the server.

A runner that is blocked in ``pg_advisory_lock()`` deadlocks with ``CREATE INDEX CONCURRENTLY`` of
the runner that holds the lock (flyway #1654, golang-migrate #960). So every wait is a sleep here.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from typing import TYPE_CHECKING, Protocol

from asyncmig.engines.base import NothingToDo
from asyncmig.errors import LockTimeoutError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from asyncmig.engines.base import Holder, Wait
    from asyncmig.history import History

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.15
"""Seconds; with the jitter a waiter looks again within a quarter of a second."""

ANNOUNCE_EVERY = 5.0
"""Seconds between two announcements of a wait that goes on."""


class Lockable(Protocol):
    """What :func:`acquire` needs of a session."""

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it."""
        ...

    async def holder(self) -> Holder | None:
        """Tell who holds the lock, ``None`` when that cannot be told."""
        ...

    async def history(self) -> History:
        """Read the history, without the lock."""
        ...


async def acquire(
    session: Lockable,
    wait: Wait,
    *,
    began: float | None = None,
    rest: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> float:
    """Take the lock, however long it takes, and return how many seconds it took.

    Args:
        session: Who wants it.
        wait: For how long, and what would make it needless.
        began: When the wait began, by ``time.monotonic()``; ``None`` for now.
        rest: Gets the seconds to sleep between two tries. It may take longer: a session of a crowd
            lets go of its connection meanwhile.

    Raises:
        NothingToDo: ``wait.settled`` says that there is nothing left to do.
        LockTimeoutError: It took longer than ``wait.timeout``.
    """
    began = time.monotonic() if began is None else began
    announce_at = 0.0
    for pause in pauses():
        if await session.try_lock():
            break
        waited = time.monotonic() - began
        if wait.timeout is not None and waited >= wait.timeout:
            holder = await session.holder()
            raise LockTimeoutError(waited=waited, holder=holder.description if holder else "")
        if waited >= announce_at:
            wait.on_waiting(await session.holder(), waited)
            announce_at = waited + ANNOUNCE_EVERY
        left = math.inf if wait.timeout is None else wait.timeout - waited
        await rest(min(pause, left))
        # Before the lock is asked for again: a hundred waiters are released together, when taking
        # it in turns would let the last one wait for ninety-nine others.
        if wait.settled(await session.history()):
            raise NothingToDo
    return time.monotonic() - began


def pauses(first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> Iterator[float]:
    """Yield the seconds to sleep between two tries, for ever: doubling, capped, with jitter.

    The jitter (half to one and a half times) keeps runners that started together from asking
    together.
    """
    pause = first
    while True:
        # The module random takes as long to import as a look at the database.
        yield pause * (0.5 + os.urandom(1)[0] / 255)
        pause = min(pause * 2, longest)
