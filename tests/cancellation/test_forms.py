"""Who cancels a run: a framework, a sibling that failed, a time limit; also without a network."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import aiosqlite
import anyio
import asyncpg
import pytest

from asyncmig import Migrator, lifespan
from asyncmig.engines import base
from asyncmig.events import MigrationStarted
from tests.database import ask, tables
from tests.engines.postgres.ground import until, until_quiet
from tests.servers.proxy import Proxy, Way

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from tests.migration_folder import MigrationFolder
    from tests.servers.proxy import _Link

PROMISED = 5.0  # seconds
ENDLESS = """\
import pathlib

async def up(connection):
    await connection.execute("CREATE TABLE users (id integer)")
    pathlib.Path(__file__).with_suffix(".begun").touch()
    await connection.execute("{}")
"""
STATEMENTS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT max(i) FROM n",
}
OPEN = "transaction = False\n\nasync def up(connection):\n    await connection.execute('{}')\n"


def endless(url: str, source: MigrationFolder) -> Callable[[], Awaitable[bool]]:
    """Write a migration that does not end, and return what tells whether it has begun."""
    path = source.write("001_endless.py", ENDLESS.format(STATEMENTS[url.partition(":")[0]]))

    async def has_begun() -> bool:
        return path.with_suffix(".begun").exists()

    return has_begun


async def assert_nothing_is_left(url: str, source: MigrationFolder) -> None:
    """No session, no lock, no table; and the next run is not held up."""
    if url.startswith("postgresql"):
        await until_quiet(url, PROMISED)
    assert "users" not in await tables(url)
    source.remove("001_endless.py")
    source.write("001_quick.sql", "CREATE TABLE users (id integer);")
    report = await Migrator(url, source, observer=None, wait_timeout=1, busy_timeout=1).up()
    assert ["001"] == [entry.key for entry in report.entries]


async def test_a_server_that_gives_up_its_start_up_stops_the_migration(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Servers run a lifespan in a task of its own, and cancel that one when time is up."""
    has_begun = endless(database_url, migration_folder)
    starts = lifespan(database_url, migration_folder, observer=None)

    async def serve() -> None:
        async with starts(object()):
            pytest.fail("it never becomes ready")

    task = asyncio.create_task(serve())
    await until(has_begun)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task

    assert (asyncio.CancelledError, None) == (type(caught.value), caught.value.__cause__)
    assert time.monotonic() - began < PROMISED
    await assert_nothing_is_left(database_url, migration_folder)


async def test_a_server_that_shuts_down_stops_the_migration_in_the_background(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Its clean-up is over when the application's own shut-down is."""
    has_begun = endless(database_url, migration_folder)
    left: list[str] = []

    @contextlib.asynccontextmanager
    async def app(_app: object) -> AsyncGenerator[None]:
        yield
        left.append("the application")

    serves = lifespan(database_url, migration_folder, then=app, background=True, observer=None)
    async with serves(object()):
        await until(has_begun)
        began = time.monotonic()

    assert time.monotonic() - began < PROMISED
    assert (["the application"], None, False) == (left, serves.failure, serves.migrator.ready)
    await assert_nothing_is_left(database_url, migration_folder)


async def test_a_sibling_that_fails_stops_the_migration(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """A task group cancels the others, and raises the error of the one that failed, alone."""
    has_begun = endless(database_url, migration_folder)

    async def fail() -> None:
        await until(has_begun)
        raise LookupError

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(Migrator(database_url, migration_folder, observer=None).up())

    with pytest.raises(ExceptionGroup) as caught:
        await together()

    assert [LookupError] == [type(error) for error in caught.value.exceptions]
    await assert_nothing_is_left(database_url, migration_folder)


@pytest.mark.parametrize("limit", ["wait_for", "timeout", "move_on_after"])
async def test_a_time_limit_stops_the_migration(
    database_url: str, migration_folder: MigrationFolder, limit: str
) -> None:
    """Whose limit it is knows it by its own error, and goes on."""
    has_begun = endless(database_url, migration_folder)
    up = Migrator(database_url, migration_folder, observer=None).up

    with contextlib.suppress(TimeoutError):
        if limit == "wait_for":
            await asyncio.wait_for(up(), 0.8)
        elif limit == "timeout":
            async with asyncio.timeout(0.8):
                await up()
        else:
            with anyio.move_on_after(0.8):
                await up()

    assert await has_begun()
    await asyncio.sleep(0)  # no cancellation is left over for the next await
    await assert_nothing_is_left(database_url, migration_folder)


async def test_the_whole_clean_up_is_bounded_when_the_network_is_gone(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Cancel, roll back, unlock, give back, close: they share what is well below five seconds.

    Of connections of our own, lent ones, and those of a pool; inside and outside a transaction.
    """
    inside, outside = (migration_folder.path / name for name in ("inside", "outside"))
    for folder, script in (
        (inside, "SELECT pg_sleep(60);"),
        (outside, OPEN.format("SELECT pg_sleep(60)")),
    ):
        folder.mkdir()
        (folder / ("001_slow.sql" if folder is inside else "001_slow.py")).write_text(script)

    async with Proxy(postgres_url) as proxy:
        lent = [await asyncpg.connect(proxy.url) for _ in range(2)]
        pools = [await asyncpg.create_pool(proxy.url, min_size=1, max_size=1) for _ in range(2)]
        given: list[Any] = [proxy.url, proxy.url, *lent, *pools]
        tasks = [
            asyncio.create_task(
                Migrator(database, folder, table=f"history_{number}", observer=None).up()
            )
            for number, database in enumerate(given)
            for folder in [outside if number % 2 else inside]
        ]
        await until(lambda: _sleeping(postgres_url, len(tasks)), 20)
        proxy.stall()
        began = time.monotonic()
        spent = await asyncio.gather(*(_cancelled(task, began) for task in tasks))
        for pool in pools:
            pool.terminate()

    assert max(spent) < PROMISED - 0.5, spent
    assert [True, True] == [connection.is_closed() for connection in lent]


async def _sleeping(url: str, count: int) -> bool:
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return [(count,)] == await ask(url, sleeping)


async def _cancelled(task: asyncio.Task[Any], began: float) -> float:
    """Cancel a task, and return how many seconds after `began` it has ended."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


class OvertakingProxy(Proxy):
    """A network on which the request to cancel a statement arrives before the statement does."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._overtaken = asyncio.Event()

    async def _pump(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: Way,
    ) -> None:
        is_first, read = self.connections == 1, reader.read

        async def late(n: int = -1) -> bytes:
            chunk = await read(n)
            if b"pg_sleep" in chunk and way is Way.TO_SERVER:
                await self._overtaken.wait()
            return chunk

        if is_first:
            reader.read = late  # type: ignore[method-assign]
        await super()._pump(link, reader, writer, way)
        if not is_first:
            self._overtaken.set()


async def test_a_cancel_that_overtakes_its_statement_is_repeated(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """The server ignores a request that comes too early; the connection need not be given up."""
    migration_folder.write("001_slow.sql", "SELECT pg_sleep(60);")
    async with OvertakingProxy(postgres_url) as proxy:
        lent = await asyncpg.connect(proxy.url)
        started = asyncio.Event()
        migrator = Migrator(
            lent,
            migration_folder,
            observer=lambda event: started.set() if isinstance(event, MigrationStarted) else None,
        )
        task = asyncio.create_task(migrator.up())
        await started.wait()
        for _ in range(3):  # now it has sent the statement, which the network holds back
            await asyncio.sleep(0)
        spent = await _cancelled(task, time.monotonic())
        answer = await lent.fetchval("SELECT 42")
        await lent.close()

    assert (42, True) == (answer, spent < 3), spent
    assert proxy.connections > 2


STUCK = {
    "001_stuck.sql": "CREATE TABLE users (id integer);\nSELECT stuck();",
    "001_stuck.py": ENDLESS.format("SELECT stuck()"),
}


@pytest.mark.parametrize("is_lent", [False, True])
@pytest.mark.parametrize("name", STUCK)
async def test_a_thread_that_is_stuck_does_not_hold_up_a_cancel(
    sqlite_url: str,
    migration_folder: MigrationFolder,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_lent: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Nothing can interrupt a function; as soon as it returns, all is rolled back and closed."""
    monkeypatch.setattr(base, "CLEANUP_SECONDS", 0.5)
    migration_folder.write(name, STUCK[name])
    entered, gate = threading.Event(), threading.Event()

    def stuck() -> None:
        entered.set()
        gate.wait(30)

    async def setup(connection: aiosqlite.Connection) -> None:
        await connection.create_function("stuck", 0, stuck)

    async with contextlib.AsyncExitStack() as stack:
        stack.callback(gate.set)
        path = sqlite_url.removeprefix("sqlite:///")
        database = await stack.enter_async_context(aiosqlite.connect(path)) if is_lent else None
        migrator = Migrator(database or sqlite_url, migration_folder, setup=setup, observer=None)
        task = asyncio.create_task(migrator.up())
        assert await asyncio.to_thread(entered.wait, 10)
        spent = await _cancelled(task, time.monotonic())
        gate.set()
        migration_folder.remove(name)
        migration_folder.write("001_quick.sql", "CREATE TABLE users (id integer);")
        report = await Migrator(sqlite_url, migration_folder, observer=None, busy_timeout=5).up()

    assert spent < 2, spent
    assert ["001"] == [entry.key for entry in report.entries]
