"""Try again while an application is writing to the database."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.locking import pauses
from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.engines.sqlite.failures import busy, explained, is_busy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Patience:
    """How long an application that writes to the database is waited for.

    The waiting is done here, in sleeps: SQLite's own cannot be interrupted.
    """

    def __init__(self, seconds: float, address: str) -> None:
        self._seconds = seconds
        self._address = address

    async def __call__(
        self,
        work: Callable[[], Awaitable[T]],
        *,
        on_retrying: Callable[[int, float, str], None] | None = None,
        runner_lives: Callable[[], Awaitable[bool]] | None = None,
    ) -> T:
        """Do a piece of work again and again until the database is not busy.

        Args:
            work: What leaves nothing behind when it fails.
            on_retrying: Told the number of the try that failed, the seconds until the next one,
                and SQLite's words.
            runner_lives: Asked each time: is it another runner that is in the way? The time of
                that one does not count.

        Raises:
            DatabaseBusyError: The budget is spent.
            DatabaseError: Something else is wrong with the database.
        """
        deadline = time.monotonic() + self._seconds
        for attempt, pause in enumerate(pauses(), start=1):
            try:
                return await work()
            except DriverError as error:
                if not is_busy(error):
                    raise explained(error, self._address) from error
                if runner_lives is not None and await runner_lives():
                    deadline = time.monotonic() + self._seconds
                left = deadline - time.monotonic()
                if left <= 0:
                    raise busy(self._address, self._seconds) from error
                delay = min(pause, left)
                if on_retrying is not None:
                    on_retrying(attempt, delay, str(error))
            await asyncio.sleep(delay)
        raise AssertionError  # pauses() never end
