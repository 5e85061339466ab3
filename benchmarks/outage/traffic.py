"""An application's traffic on one table, and how long its requests had to wait.

Requests arrive at a fixed rate, whether or not those before them were answered, and the clock of
each starts when it arrives: users do not stop coming because a site is down.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

TABLE = "accounts"
ROWS = 10_000
MAKE = (
    f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, balance integer NOT NULL)",
    f"INSERT INTO {TABLE} SELECT n, 0 FROM generate_series(1, {ROWS}) n",
    f"ANALYZE {TABLE}",
)
READ = f"SELECT balance FROM {TABLE} WHERE id = $1"
WRITE = f"UPDATE {TABLE} SET balance = balance + 1 WHERE id = $1"
OPEN_READ = f"SELECT count(*) FROM {TABLE}"

SLOW = 0.25
"""Seconds after which somebody in front of a screen calls it slow."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request.

    Attributes:
        arrived: When, in seconds since the traffic began.
        waited: How many seconds it took from there to the answer.
    """

    arrived: float
    waited: float


def longest(requests: Iterable[Answered]) -> float:
    """Return the longest wait, in seconds; 0 without requests."""
    return max((request.waited for request in requests), default=0.0)


def slow(requests: Iterable[Answered], limit: float = SLOW) -> list[Answered]:
    """Return the requests that waited for longer than ``limit`` seconds."""
    return [request for request in requests if request.waited > limit]


def stalled(requests: Iterable[Answered], limit: float = SLOW) -> float:
    """Return for how many seconds at least one slow request was waiting."""
    total, until = 0.0, 0.0
    for request in sorted(slow(requests, limit), key=lambda request: request.arrived):
        end = request.arrived + request.waited
        total += max(0.0, end - max(until, request.arrived))
        until = max(until, end)
    return total


def by_moment(requests: Iterable[Answered], width: float) -> list[tuple[float, float]]:
    """Return the longest wait of the requests that arrived in each slice of ``width`` seconds."""
    longest_in: dict[int, float] = {}
    for request in requests:
        slice_ = int(request.arrived / width)
        longest_in[slice_] = max(longest_in.get(slice_, 0.0), request.waited)
    return [(slice_ * width, waited) for slice_, waited in sorted(longest_in.items())]


class Traffic:
    """Requests that arrive at a fixed rate, half of them writes.

    Args:
        url: The database.
        rate: How many arrive in a second.
        clients: How many connections answer them.
    """

    def __init__(self, url: str, *, rate: int, clients: int) -> None:
        self._url = url
        self._rate = rate
        self._clients = clients
        self._arrivals: asyncio.Queue[tuple[float, int]] = asyncio.Queue()
        self._answered: list[Answered] = []
        self._began = 0.0

    @property
    def now(self) -> float:
        """Seconds since the traffic began."""
        return time.monotonic() - self._began

    @asynccontextmanager
    async def flowing(self) -> AsyncGenerator[None]:
        """Let requests arrive inside the block; leaving it waits until all are answered."""
        connections = [await asyncpg.connect(self._url) for _ in range(self._clients)]
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(self._answer(each)) for each in connections]
            arriving = group.create_task(self._arrive())
            try:
                yield
            finally:
                arriving.cancel()
                await self._arrivals.join()
                for client in clients:
                    client.cancel()
        for connection in connections:
            await connection.close()

    @property
    def answered(self) -> Sequence[Answered]:
        """The requests that were answered, in the order of the answers."""
        return self._answered

    async def _arrive(self) -> None:
        for number in itertools.count():
            moment = number / self._rate
            await asyncio.sleep(moment - self.now)
            self._arrivals.put_nowait((moment, number))

    async def _answer(self, connection: asyncpg.Connection) -> None:
        while True:
            moment, number = await self._arrivals.get()
            await connection.execute(WRITE if number % 2 else READ, number * 7919 % ROWS + 1)
            self._answered.append(Answered(moment, self.now - moment))
            self._arrivals.task_done()


@asynccontextmanager
async def open_reader(url: str, seconds: float) -> AsyncGenerator[None]:
    """Keep a transaction open that has read the table, for so many seconds or to the block's end.

    A report, a dump, or a session that somebody has forgotten.
    """
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(OPEN_READ)

    async def read_on() -> None:
        await asyncio.sleep(seconds)
        await transaction.commit()

    reading = asyncio.create_task(read_on())
    try:
        yield
    finally:
        reading.cancel()
        await connection.close()
