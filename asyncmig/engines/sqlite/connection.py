"""The drivers: the one module that imports aiosqlite and sqlite3.

The work on the database is written as plain functions of a ``sqlite3.Connection``, and each runs
in the connection's own thread in one hop: a hop costs more than most statements do, and what
happens inside one cannot be torn apart by a cancellation.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from asyncmig.engines.cleanup import Grace, see_through

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")
P = ParamSpec("P")

Raw = sqlite3.Connection
"""The connection that the work is done on, inside its thread."""

Driver = aiosqlite.Connection
"""The connection that Python migrations get."""

DriverError = sqlite3.Error

is_complete = sqlite3.complete_statement
"""Whether a text ends with the semicolon of a statement, as the sqlite3 shell sees it."""

REFUSALS = (sqlite3.Error, sqlite3.Warning, ValueError)
"""What a statement can raise: SQLite's refusals, two statements at once, a null character."""

SHORT_WAIT = 0.1
"""Seconds that SQLite itself waits for a lock, in its thread, where nothing can interrupt it."""

_INTERRUPT_EVERY = 0.05
_STOP_SECONDS = 1.0
_OPERATIONS = 100_000
"""Of SQLite's virtual machine, between two questions whether to stop: some milliseconds."""


class ClosedError(Exception):
    """The connection has been closed, and not by us."""


class StoppedError(Exception):
    """A cancellation came before the COMMIT. Nobody hears this: its task is on the way out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an application may have set on its connection, and what would be in our way.

    An authorizer and a progress handler cannot be read back: those that a borrowed connection
    had are gone afterwards.
    """

    isolation_level: Any
    row_factory: Any
    text_factory: Any
    foreign_keys: int
    busy_timeout: int

    @classmethod
    def of(cls, raw: Raw) -> Settings:
        """Read the settings of a connection."""
        keys, wait = (pragma(raw, name) for name in ("foreign_keys", "busy_timeout"))
        return cls(raw.isolation_level, raw.row_factory, raw.text_factory, keys, wait)

    @staticmethod
    def for_migrations(raw: Raw) -> None:
        """Make a connection what our own ones are, but for the foreign keys."""
        raw.set_progress_handler(None, 0)
        raw.isolation_level = None
        raw.row_factory = None
        raw.text_factory = str
        raw.execute(f"PRAGMA busy_timeout = {round(SHORT_WAIT * 1000)}").close()

    def restore(self, raw: Raw) -> None:
        """Give a connection its settings back."""
        if raw.in_transaction:
            raw.execute("ROLLBACK")  # setting isolation_level to None would commit
        raw.set_progress_handler(None, 0)
        raw.execute(f"PRAGMA foreign_keys = {self.foreign_keys}").close()
        raw.execute(f"PRAGMA busy_timeout = {self.busy_timeout}").close()
        raw.isolation_level = self.isolation_level
        raw.row_factory = self.row_factory
        raw.text_factory = self.text_factory


def pragma(raw: Raw, name: str) -> int:
    """Return the value of a pragma that is a number."""
    with closing(raw.cursor()) as cursor:
        cursor.row_factory = None
        (value,) = cursor.execute(f"PRAGMA {name}").fetchone()
        return int(value)


def open_raw(uri: str) -> Raw:
    """Open a database without aiosqlite, for one short piece of work in a thread."""
    return sqlite3.connect(
        uri, uri=True, timeout=SHORT_WAIT, isolation_level=None, check_same_thread=False
    )


async def open_worker(uri: str) -> Worker:
    """Open a database, with a thread of its own."""

    async def opened() -> Driver:
        return await aiosqlite.connect(uri, uri=True, timeout=SHORT_WAIT, isolation_level=None)

    return Worker(await see_through(opened()))


class Committing:
    """The block around each COMMIT in the thread, which a cancellation keeps from beginning.

    Attributes:
        is_stopped: Whether nothing more may begin.
    """

    def __init__(self) -> None:
        self.is_stopped = False
        self._lock = Lock()
        self._is_under_way = False

    def __enter__(self) -> None:
        """Begin a COMMIT, unless a cancellation was faster."""
        with self._lock:
            if self.is_stopped:
                raise StoppedError
            self._is_under_way = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        with self._lock:
            self._is_under_way = False

    def stop(self) -> bool:
        """Let no other COMMIT begin, and tell whether none is under way."""
        with self._lock:
            self.is_stopped = True
            return not self._is_under_way


class Worker:
    """A connection, and the thread that it works in.

    Attributes:
        driver: What Python migrations get.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._is_stopping = False
        self._grace = Grace()
        self._given_up: Driver | None = None

    async def run(
        self, work: Callable[Concatenate[Raw, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do a piece of work in the thread.

        A cancellation interrupts the running statement; it is passed on when the work has ended.

        Raises:
            DriverError: SQLite's own error.
        """
        try:
            return await self._hop(work, *args, **kwargs)
        except asyncio.CancelledError:
            await self._interrupt_work()
            raise

    async def run_and_commit(self, work: Callable[[Raw], T], commit: Callable[[Raw], object]) -> T:
        """Do a piece of work, and then the COMMIT that makes it stand, in one hop.

        A cancellation interrupts the work, and keeps the COMMIT from beginning. One that has begun
        is not stopped: its outcome stands, and the cancellation is delivered at the next ``await``
        of the caller.

        Raises:
            DriverError: SQLite's own error.
        """

        def work_and_commit(raw: Raw, committing: Committing) -> T:
            result = work(raw)
            with committing:
                commit(raw)
            return result

        return await self.run_and_commit_each(work_and_commit)

    async def run_and_commit_each(self, work: Callable[[Raw, Committing], T]) -> T:
        """Do a piece of work that commits, perhaps several times, as :meth:`run_and_commit`.

        Args:
            work: Each COMMIT of it is inside a block of what it is given.

        Raises:
            DriverError: SQLite's own error.
        """
        committing = Committing()
        outcome: Future[T] = Future()
        try:
            return await self._hop(_work_to, outcome, work, committing)
        except asyncio.CancelledError as error:
            if committing.stop():  # else the thread was faster, and has begun
                await self._interrupt_work()
                raise
            try:
                return await self._grace.finish_first(error, _outcome_of(outcome))
            except TimeoutError as late:
                raise asyncio.CancelledError from late

    async def run_to_end(
        self, work: Callable[Concatenate[Raw, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do a piece of work that must not be stopped, a COMMIT: its outcome stands.

        A cancellation is delivered at the next ``await`` of the caller.
        """
        try:
            return await self._grace.see_through(self._hop(work, *args, **kwargs))
        except TimeoutError as error:  # only once this task has been cancelled
            raise asyncio.CancelledError from error

    async def clean_up(self, work: Callable[[Raw], T]) -> T:
        """Do a piece of work after stopping whatever the thread is busy with.

        A Python migration that was cancelled leaves its last statement running.

        Raises:
            TimeoutError: The thread is stuck in a call that nothing can interrupt.
            ClosedError: The connection is closed, or will be as soon as the thread is free.
        """
        if self._given_up is self.driver:
            raise ClosedError
        return await self._grace.finish(self._stop_and(work))

    async def close(self) -> None:
        """Close the connection, which rolls back what is open, and end the thread.

        For a thread that is stuck, in a function that a migration has registered for one, nobody
        waits any longer than for the rest of the clean-up: a task that stays closes the connection
        as soon as the thread is free. Else the transaction, and its lock, would stay open for good.
        """
        if self._given_up is self.driver:
            return None
        closing = asyncio.ensure_future(self._stop_and_close())
        if await self._grace.wait(closing):
            return closing.result()
        self._given_up = self.driver
        closing.add_done_callback(_look_at)
        return None

    async def _hop(
        self, work: Callable[Concatenate[Raw, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        driver: Any = self.driver
        try:
            raw: Raw = driver._conn  # noqa: SLF001 - see below
        except ValueError as error:
            raise ClosedError from error
        # aiosqlite (0.20 to 0.22 at least) has no public way to run a function in its thread.
        result: T = await driver._execute(lambda: work(raw, *args, **kwargs))  # noqa: SLF001
        return result

    def watch(self, raw: Raw) -> None:
        """Let :meth:`clean_up` stop what a Python migration runs.

        Not by an interrupt: SQLite remembers one for as long as any cursor is open, and would
        interrupt the ROLLBACK that comes next as well.
        """
        raw.set_progress_handler(lambda: self._is_stopping, _OPERATIONS)

    async def _stop_and(self, work: Callable[[Raw], T]) -> T:
        idle = self._idle()
        self._is_stopping = True
        try:
            await asyncio.wait({idle}, timeout=_STOP_SECONDS)
        finally:
            self._is_stopping = False
        await self._interrupt(idle)  # executemany() of short statements is never asked
        idle.result()
        return await self._hop(work)

    async def _interrupt_work(self) -> None:
        """Interrupt what the thread does, and wait until it has ended."""
        with suppress(TimeoutError):
            await self._grace.finish(self._interrupt(self._idle()))

    def _idle(self) -> asyncio.Future[None]:
        """Return what is done when the thread has come to an end with what it does now."""
        idle = asyncio.ensure_future(self._hop(_nothing))
        idle.add_done_callback(_look_at)
        return idle

    async def _interrupt(self, task: asyncio.Future[T]) -> None:
        """Interrupt until the work has ended: an interrupt between two statements stops nothing."""
        while not task.done():
            await self.driver.interrupt()
            await asyncio.wait({task}, timeout=_INTERRUPT_EVERY)

    async def _stop_and_close(self) -> None:
        driver = self.driver  # another one may have taken its place when a stuck thread is free
        with suppress(ClosedError):
            await self._stop_and(_nothing)
        await driver.close()


def _work_to(
    raw: Raw, outcome: Future[T], work: Callable[[Raw, Committing], T], committing: Committing
) -> T:
    """Work, and keep what comes of it for a task that was cancelled meanwhile."""
    try:
        result = work(raw, committing)
    except BaseException as error:
        outcome.set_exception(error)
        raise
    outcome.set_result(result)
    return result


async def _outcome_of(work: Future[T]) -> T:
    return await asyncio.wrap_future(work)


def _look_at(task: asyncio.Future[T]) -> None:
    """See the error of what nobody asks any more, which asyncio would else complain about."""
    if not task.cancelled():
        task.exception()


def _nothing(_raw: Raw) -> None:
    """Show that the thread has come to an end with what it had to do."""
