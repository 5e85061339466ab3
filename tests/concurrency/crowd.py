"""Many processes that wait for one: what they cost, and how soon they are ready afterwards."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import asyncpg

from asyncmig.events import MigrationApplied
from tests.concurrency.folders import two_steps
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Order, held_up, start_processes
from tests.database import ask
from tests.engines.postgres.ground import role
from tests.migration_folder import MigrationFolder
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.concurrency.runners import Ended

SETTLING = 5.0
WATCHING = 15.0
"""Seconds between the last one's arrival and the measurement, and those of the measurement."""

PATIENCE = 600.0
DATABASE = "crowd"
OWNER = "crowd_owner"
OURS = (
    f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}' "
    "AND application_name LIKE 'asyncmig/%'"
)
SENT = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{DATABASE}'"
"""Each statement outside a transaction is one transaction of its own, and each new connection is
one more: so this counts the queries, and a little besides. A backend reports once a second."""


@dataclass(slots=True)
class Load:
    """What a server has to bear.

    Attributes:
        connections: How many there were at each look.
        queries: How many were sent in all.
        seconds: In how long.
    """

    connections: list[int] = field(default_factory=list[int])
    queries: int = 0
    seconds: float = 0.0

    @property
    def most(self) -> int:
        """How many connections there were at most."""
        return max(self.connections, default=0)

    @property
    def usual(self) -> float:
        """How many connections there were half of the time, or fewer."""
        return statistics.median(self.connections)

    @property
    def rate(self) -> float:
        """How many queries were sent in a second."""
        return self.queries / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was measured.

    Attributes:
        arriving: The load while the processes came, each with its first look.
        waiting: The load while all of them waited.
        delays: Seconds from the holder's last COMMIT until each was ready.
        exits: Their exit codes.
    """

    arriving: Load
    waiting: Load
    delays: list[float]
    exits: set[int]

    @property
    def slowest(self) -> float:
        """The seconds until the last one was ready."""
        return max(self.delays)

    @property
    def median(self) -> float:
        """The seconds until half of them were ready."""
        return statistics.median(self.delays)


def crowd(waiters: int) -> Crowd:
    """Let so many processes wait for a runner in this process, and measure.

    They come as an ordinary role that owns the database, as applications do.
    """
    with (
        postgres() as server,
        fresh_database(server, DATABASE) as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        return anyio.run(_crowd_of_owners, server, url, Path(folder), waiters)


async def _crowd_of_owners(server: str, url: str, root: Path, waiters: int) -> Crowd:
    async with role(server, OWNER) as url_of_owner:
        await ask(server, f"ALTER DATABASE {DATABASE} OWNER TO {OWNER}")
        owner = urlsplit(url)._replace(netloc=urlsplit(url_of_owner).netloc).geturl()
        found = await _crowd(server, owner, root, waiters)
        await ask(server, f"ALTER DATABASE {DATABASE} OWNER TO CURRENT_USER")
        await ask(url, f"DROP OWNED BY {OWNER} CASCADE")
    return found


async def _crowd(server: str, url: str, root: Path, waiters: int) -> Crowd:
    folder, gate = MigrationFolder(root / "migrations"), root / "gate"
    folder.path.mkdir()
    two_steps(folder, gate, "SELECT 1;")
    folder.remove("002_second.sql")
    order, holder, journal = Order(url, folder), Journal(), Journal()
    ended: list[Ended] = []

    async def wait() -> None:
        ended.extend(await start_processes([order] * waiters, journal, seconds=PATIENCE))

    arriving, waiting = Load(), Load()
    async with anyio.create_task_group() as tasks, held_up(gate, order, holder, "001"):
        tasks.start_soon(wait)
        async with watched(server, arriving):
            await journal.until_waiting(waiters, PATIENCE)
        await anyio.sleep(SETTLING)
        async with watched(server, waiting):
            await anyio.sleep(WATCHING)
    (commit,) = holder.of(MigrationApplied)
    delays = [at - commit.at for at in journal.ready_at().values()]
    return Crowd(arriving, waiting, delays, {end.exit_code for end in ended})


@asynccontextmanager
async def watched(server: str, load: Load) -> AsyncGenerator[None]:
    """Measure the load on the database while the block runs, but for the holder's."""
    connection = await asyncpg.connect(server)
    try:
        began, before = time.monotonic(), await _sent(server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_count, connection, load)
            yield
            tasks.cancel_scope.cancel()
    finally:
        connection.terminate()
    load.seconds = time.monotonic() - began
    load.queries = await _sent(server) - before


async def _count(connection: asyncpg.Connection[Any], load: Load) -> None:
    while True:
        count = await connection.fetchval(OURS)
        load.connections.append(count - 1)
        await anyio.sleep(0.02)


async def _sent(server: str) -> int:
    ((count,),) = await ask(server, SENT)
    return int(count)
