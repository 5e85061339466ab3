"""What a session works with while it holds the lock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import anyio

from asyncmig.engines.locking import pauses
from asyncmig.engines.python_script import run_setup
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import busy, explained, is_busy
from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncmig.engines.base import Runner, Setup
    from asyncmig.engines.sqlite.access import Visit
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.sqlite.table import Table

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
            await anyio.sleep(delay)
        raise AssertionError  # pauses() never end


class Desk:
    """What a session works with while it holds the lock.

    Attributes:
        worker: The connection that writes.
        table: The history.
        runner: Who runs.
        patiently: How to wait for applications.
        is_used: Whether a migration may have left something on the connection.
    """

    def __init__(
        self,
        visit: Visit,
        worker: Worker,
        *,
        table: Table,
        runner: Runner,
        setup: Setup | None,
        patiently: Patience,
    ) -> None:
        self._visit = visit
        self._setup = setup
        self.worker = worker
        self.table = table
        self.runner = runner
        self.patiently = patiently
        self.is_used = False

    async def lay_out(self) -> None:
        """Make the connection ready for a migration: nothing left of the last one, and set up.

        Raises:
            DriverError: The hook met a busy database; it may be tried again.
            SettingsError: The hook failed.
        """
        if self.is_used:
            await self._visit.fresh(self.worker)
            self.is_used = False
        try:
            await run_setup(self._setup, self.worker.driver)
        except SettingsError as error:
            self.is_used = True
            if error.__cause__ is not None and is_busy(error.__cause__):
                raise error.__cause__ from None
            raise

    async def sweep(self, work: Callable[[Raw], None]) -> None:
        """Do a piece of work after a failure; where that fails too, close the connection.

        Closing rolls back. A borrowed connection with half a migration on it would be worse.
        """
        self.is_used = True
        try:
            await self.worker.clean_up(work)
        except (DriverError, TimeoutError):
            await self.worker.close()
        except ClosedError:
            pass  # by the migration itself
