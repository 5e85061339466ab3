"""What can happen to somebody with a password, well or badly: each situation shows it to nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import asyncpg

import asyncmig
from asyncmig import Migrator
from asyncmig.errors import (
    AsyncmigError,
    ConnectionInUseError,
    DatabaseAccessError,
    DatabaseUnavailableError,
    LockTimeoutError,
    MigrationFailedError,
    SettingsError,
)
from tests.engines.postgres.ground import ask, connected, until
from tests.servers.machine import free_port
from tests.servers.proxy import Proxy, Way
from tests.trust.overheard import ENCODED, PASSWORD, Overheard

if TYPE_CHECKING:
    from tests.migration_folder import MigrationFolder


@dataclass(frozen=True, slots=True)
class Stage:
    """What a situation has to play with.

    Attributes:
        url: The URL of a role whose password the server wants.
        folder: A folder with one migration.
        heard: Who listens.
    """

    url: str
    folder: MigrationFolder
    heard: Overheard

    def migrator(self, database: object = None, **options: Any) -> Migrator:  # noqa: ANN401 - its
        """Return a migrator that is listened to."""
        options = {"connect_timeout": 0.2, "observer": self.heard.event, **options}
        made = Migrator(database or self.url, self.folder, **options)
        self.heard.thing(made)
        return made

    def at(self, **parts: str) -> str:
        """Return the URL with other parts."""
        return urlsplit(self.url)._replace(**parts).geturl()


Situation = Callable[[Stage], Awaitable[object]]


async def _success(stage: Stage) -> None:
    migrator = stage.migrator()
    for call in (
        *(migrator.status, migrator.plan, migrator.up, migrator.redo, migrator.history),
        *(migrator.down, migrator.up, migrator.verify, migrator.wait_until_current),
    ):
        stage.heard.thing(await call())


async def _the_default_observer(stage: Stage) -> None:
    stage.heard.thing(await asyncmig.migrate(stage.url, stage.folder))


async def _broken_sql(stage: Stage) -> None:
    stage.folder.write("2_broken.sql", "CREATE TABLE broken (;")
    await asyncmig.migrate(stage.url, stage.folder)


async def _broken_python(stage: Stage) -> None:
    stage.folder.write("2_broken.py", "async def up(connection):\n    raise OSError(connection)\n")
    await stage.migrator().up()


async def _broken_setup(stage: Stage) -> None:
    async def setup(connection: object) -> None:
        raise RuntimeError(connection)

    await stage.migrator(setup=setup).up()


async def _wrong_password(stage: Stage) -> None:
    await stage.migrator(stage.url.replace(ENCODED, ENCODED * 2)).up()


async def _no_such_database(stage: Stage) -> None:
    await stage.migrator(stage.at(path="/nowhere")).up()


async def _no_server(stage: Stage) -> None:
    nowhere = f"keeper:{ENCODED}@127.0.0.1:{free_port()}"
    await stage.migrator(stage.at(netloc=nowhere)).wait_until_current(0.1)


async def _no_host(stage: Stage) -> None:
    await stage.migrator(stage.at(netloc=f"keeper:{ENCODED}@nowhere.invalid")).up()


async def _no_tls(stage: Stage) -> None:
    await stage.migrator(stage.at(query="sslmode=require")).up()


async def _no_certificate(stage: Stage) -> None:
    files = "sslrootcert=/nowhere/root.pem&sslcert=/nowhere/c.pem&sslkey=/nowhere/c.key"
    query = f"sslmode=verify-full&{files}&sslpassword={ENCODED}"
    await stage.migrator(stage.at(query=query)).up()


async def _the_connection_is_lost(stage: Stage) -> None:
    async with Proxy(stage.url) as proxy:
        proxy.cut_on(b"CREATE TABLE users", way=Way.TO_SERVER)
        await stage.migrator(proxy.url).up()


async def _another_runner_is_at_it(stage: Stage) -> None:
    stage.folder.write("2_slow.sql", "SELECT pg_sleep(60);")
    holder = asyncio.create_task(stage.migrator().up())
    try:
        await until(lambda: _is_asleep(stage.url))
        await stage.migrator(wait_timeout=0.05).up()
    finally:
        holder.cancel()
        with suppress(asyncio.CancelledError):
            await holder


async def _is_asleep(url: str) -> bool:
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return [(1,)] == await ask(url, asleep)


async def _time_runs_out(stage: Stage) -> None:
    async with Proxy(stage.url) as proxy:
        proxy.stall()
        async with asyncio.timeout(0.1):
            await stage.migrator(proxy.url, connect_timeout=20).up()


async def _a_pool_without_room(stage: Stage) -> None:
    async with asyncpg.create_pool(stage.url, min_size=0, max_size=1) as pool:
        await stage.migrator(pool).up()
        async with pool.acquire():
            await stage.migrator(pool).up()


async def _a_pool_that_is_refused(stage: Stage) -> None:
    wrong = stage.url.replace(ENCODED, ENCODED * 2)
    async with asyncpg.create_pool(wrong, min_size=0, max_size=1) as pool:
        await stage.migrator(pool).up()


async def _a_closed_connection(stage: Stage) -> None:
    async with connected(stage.url) as connection:
        await stage.migrator(connection).up()
    await stage.migrator(connection).up()


async def _a_background_that_fails(stage: Stage) -> None:
    stage.folder.write("2_broken.sql", "CREATE TABLE broken (;")
    lifespan = asyncmig.lifespan(stage.url, stage.folder, background=True)
    async with lifespan(None):
        with anyio.fail_after(20):
            while lifespan.failure is None:  # noqa: ASYNC110 - it tells nobody
                await anyio.sleep(0.01)
    stage.heard.thing(lifespan)
    raise lifespan.failure


SITUATIONS: dict[str, tuple[Situation, type[Exception] | None]] = {
    "success": (_success, None),
    "the default observer": (_the_default_observer, None),
    "broken SQL": (_broken_sql, MigrationFailedError),
    "broken Python": (_broken_python, MigrationFailedError),
    "a broken setup hook": (_broken_setup, SettingsError),
    "a wrong password": (_wrong_password, DatabaseAccessError),
    "no such database": (_no_such_database, DatabaseAccessError),
    "no server": (_no_server, DatabaseUnavailableError),
    "no host": (_no_host, DatabaseUnavailableError),
    "no TLS": (_no_tls, DatabaseAccessError),
    "no certificate": (_no_certificate, AsyncmigError),
    "the connection is lost": (_the_connection_is_lost, DatabaseUnavailableError),
    "another runner is at it": (_another_runner_is_at_it, LockTimeoutError),
    "time runs out": (_time_runs_out, TimeoutError),
    "a pool without room": (_a_pool_without_room, DatabaseUnavailableError),
    "a pool that is refused": (_a_pool_that_is_refused, DatabaseAccessError),
    "a closed connection": (_a_closed_connection, ConnectionInUseError),
    "a background that fails": (_a_background_that_fails, MigrationFailedError),
}
"""Each with the error that it ends in."""

URLS = tuple(
    url.replace("PASSWORD", PASSWORD).replace("SECRET", ENCODED)
    for url in (
        "postgresql://keeper:PASSWORD@host/shop",
        "postgresql://keeper:SECRET@host:SECRET/shop",
        "postgresql://keeper:SECRET@host:99999/shop",
        "postgresql://keeper:SECRET@host/shop?port=x",
        "postgresql://keeper:SECRET@host/shop?password=other",
        "postgresql://keeper:SECRET@host/shop?unknown=1",
        "postgresql://keeper:SECRET@host/shop?passwordSECRET",
        "postgresql://keeper:SECRET@host,,/shop",
        "postgresql://keeper@host/shop?passwd=SECRET",
        "postgresql://keeper@host/shop?sslmode=SECRET",
        "postgresql:/keeper:SECRET@host/shop",
        "mysql://keeper:SECRET@host/shop",
        "sqlite://keeper:SECRET@host/shop",
        "keeper:SECRET@host/shop",
        "host=host user=keeper password=PASSWORD",
    )
)
"""Each is wrong in a way of its own."""
