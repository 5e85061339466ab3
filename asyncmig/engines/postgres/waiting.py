"""Wait for the lock: a few waiters sit and ask often, the others visit now and then.

A hundred replicas that wait for one migration must not take a hundred connections from the
application that the database is there for. So only as many as there are seats keep theirs; whoever
finds no seat goes away and comes back, to look at the history and for a seat.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.base import NothingToDo
from asyncmig.engines.locking import acquire, pauses
from asyncmig.engines.postgres.connection import ConnectionLostError
from asyncmig.engines.postgres.refusals import is_queueing, refuse_statement_pooling
from asyncmig.errors import DatabaseUnavailableError, LockTimeoutError, ReadOnlyDatabaseError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asyncmig.engines.base import Holder, Wait
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.history import History

T = TypeVar("T")

FIRST_ABSENCE = 0.3
LONGEST_ABSENCE = 1.4
"""Seconds between two visits, give or take a seventh: the last one is told within two."""

_PAUSE_AFTER_LOSS = 0.1

_ANSWER_SECONDS = 30.0
"""For one of our own questions, which take milliseconds."""


async def wait_for_lock(desk: Desk, wait: Wait) -> float:
    """Take the lock, on a new connection if need be, and return how many seconds it took.

    Raises:
        NothingToDo: ``wait.settled`` says that there is nothing left to do.
        LockTimeoutError: It took longer than ``wait.timeout``.
        DatabaseUnavailableError: There was no answer for as long as one may take to connect.
        ReadOnlyDatabaseError: Nothing can be written, or no longer after a failover.
    """
    waited = await _Waiting(desk, wait).acquire()
    await desk.note_belongings()
    return waited


class _Waiting:
    """One runner's wait, on whatever connection it has at the time.

    Args:
        desk: The visit.
        wait: How to wait.
    """

    def __init__(self, desk: Desk, wait: Wait) -> None:
        self._desk = desk
        self._wait = wait
        self._began = self._answered = time.monotonic()
        self._has_seat = False
        self._absence = FIRST_ABSENCE

    async def acquire(self) -> float:
        """Take the lock, on a new connection whenever one is lost; return the seconds it took."""
        while True:
            try:
                if not self._desk.is_greeted:
                    await self._arrive()
                return await acquire(self, self._wait, began=self._began, rest=self._rest)
            except (ConnectionLostError, DatabaseUnavailableError) as error:
                self._refuse_to_go_on(error)
            await self._desk.close()
            await asyncio.sleep(_PAUSE_AFTER_LOSS)

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it. Where there are seats, a visitor needs one."""
        if not self._desk.is_greeted:
            if self._desk.seats is not None and not await self._sit_down():
                return False
            await self._arrive()
        return await self._answer(self._desk.try_lock())

    async def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return await self._answer(self._desk.holder())

    async def history(self) -> History:
        """Read the history, without the lock."""
        return await self._answer(self._desk.read())

    async def _answer(self, question: Awaitable[T]) -> T:
        """Await the answer of the server, which must not take long unless a pooler queues us.

        A server that is frozen, or a network that swallows everything, may keep a connection
        alive for as long as it likes.
        """
        try:
            async with asyncio.timeout(None if self._desk.server.pooled else _ANSWER_SECONDS):
                answer = await question
        except TimeoutError as error:
            raise ConnectionLostError("the server does not answer") from error
        self._answered = time.monotonic()
        return answer

    async def _rest(self, pause: float) -> None:
        """Sleep; without a seat let go of the connection for longer."""
        if not self._desk.can_reconnect or await self._sit_down():
            await asyncio.sleep(pause)
            return
        await self._desk.close()
        await asyncio.sleep(self._next_absence())
        await self._desk.reopen()  # and no more: who comes to look need not settle in

    async def _sit_down(self) -> bool:
        seats = self._desk.seats
        if seats is not None and not self._has_seat:
            self._has_seat = await self._answer(seats.take(self._desk.wire))
        return self._has_seat

    async def _arrive(self) -> None:
        """Settle in, on a new connection if need be, and wait for the end of a failover.

        What could be written a moment ago and cannot now is given as long as a server that has to
        start. Meanwhile its history may show that another runner has done the work.
        """
        patience = self._desk.settings.connect_timeout if self._desk.has_been_greeted else 0.0
        deadline = time.monotonic() + patience
        for pause in pauses(first=0.1, longest=1.0):
            try:
                if not self._desk.is_open:
                    self._has_seat = False
                    await self._desk.reopen()
                await self._desk.greet()
                break
            except ReadOnlyDatabaseError as error:
                if self._wait.settled(await self._desk.read()):
                    raise NothingToDo from error
                if time.monotonic() + pause > deadline:
                    raise
            await self._desk.close()
            await asyncio.sleep(pause)

    def _next_absence(self) -> float:
        absence = self._absence * random.uniform(6 / 7, 8 / 7)  # noqa: S311 - spreads load only
        self._absence = min(self._absence * 2, LONGEST_ABSENCE)
        if self._wait.timeout is None:
            return absence
        return min(absence, max(0.0, self._began + self._wait.timeout - time.monotonic()))

    def _refuse_to_go_on(self, error: ConnectionLostError | DatabaseUnavailableError) -> None:
        """Raise the error again when another connection would not help."""
        refuse_statement_pooling(error)
        waited, limit = time.monotonic() - self._began, self._wait.timeout
        if limit is not None and waited >= limit:
            raise LockTimeoutError(waited=waited, holder="") from error
        if is_queueing(error) and self._desk.can_reconnect:
            return  # the pooler lives; somebody has its connections
        patience = self._desk.settings.connect_timeout
        if not self._desk.can_reconnect or time.monotonic() - self._answered > patience:
            raise error
