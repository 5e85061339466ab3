"""Commits that do not wait for the disk, on a server that crashes in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import asyncpg
import pytest

from asyncmig import Migrator, tally
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.events import MigrationApplied, MigrationFailed, MigrationStarted
from tests.engines.postgres.ground import ask, connected
from tests.servers.machine import NotInstalledError
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

WRITER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
KEYS = "SELECT version FROM asyncmig_history WHERE state = 'applied' ORDER BY id"
TABLES = (
    "SELECT substr(relname, 2) FROM pg_class WHERE relkind = 'r' AND relname ~ '^t[0-9]+$' "
    "ORDER BY 1"
)
GATE = 4711
FOR_EVER = "SELECT pg_sleep(600);\n"
"""A crash takes its time, too."""


class FragileServer:
    """A server on which nobody but a flush writes the log, and which can be crashed.

    Attributes:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._writer = 0

    async def stop_the_writer(self) -> None:
        """Stop what writes the log of its own accord."""
        ((self._writer,),) = await ask(self.url, WRITER)
        os.kill(self._writer, signal.SIGSTOP)

    def crash(self) -> None:
        """Kill a process of the server: it forgets what is in memory, and recovers."""
        os.kill(self._writer, signal.SIGKILL)

    async def recovered(self) -> None:
        """Return when it serves again, with another writer."""
        with anyio.fail_after(30):
            while True:
                try:
                    if [(self._writer,)] != await ask(self.url, WRITER):
                        return
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await anyio.sleep(0.05)

    async def state(self) -> tuple[list[str], list[str]]:
        """Return the versions that the history has, and those whose tables are there."""
        keys, tables = await ask(self.url, KEYS), await ask(self.url, TABLES)
        return [key for (key,) in keys], [table for (table,) in tables]


@pytest.fixture
async def server(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[FragileServer]:
    """Yield a server of the test's own, whose writer is stopped."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    monkeypatch.setattr(tally, "_LONGEST_HOLD", 1e9)  # however slow the machine is
    made = postgres(autovacuum="off", synchronous_commit="on", wal_buffers="16MB")
    try:
        url = await anyio.to_thread.run_sync(made.__enter__)
    except NotInstalledError as error:  # a server of ASYNCMIG_PG_DSN, and no binaries
        pytest.skip(str(error))
    try:
        fragile = FragileServer(url)
        await fragile.stop_the_writer()
        yield fragile
    finally:
        await anyio.to_thread.run_sync(made.__exit__, None, None, None)


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with five tables."""
    for number in range(1, 6):
        migration_folder.write(f"{number}_t{number}.sql", f"CREATE TABLE t{number} (id integer);\n")
    return migration_folder


class Listener:
    """An observer that does something at the first event that it waits for."""

    def __init__(self, is_it: Callable[[Event], bool], act: Callable[[], object]) -> None:
        self.applied: list[str] = []
        self._is_it = is_it
        self._act = act

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, MigrationApplied):
            self.applied.append(event.version)
        if self._is_it(event):
            self._act()


def _starts(version: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, MigrationStarted) and event.version == version


def _never(_: Event) -> bool:
    return False


def _migrator(server: FragileServer, shop: MigrationFolder, heard: Listener) -> Migrator:
    return Migrator(server.url, shop.path, durability="run", observer=heard)


async def test_a_crash_takes_back_whole_migrations_that_nobody_was_told_of(
    server: FragileServer, shop: MigrationFolder
) -> None:
    """The next run applies them again, each once."""
    shop.write("5_t5.sql", FOR_EVER)
    heard = Listener(_starts("5"), server.crash)
    with pytest.raises(AsyncmigError):
        await _migrator(server, shop, heard).up()
    await server.recovered()
    keys, tables = await server.state() if await _has_history(server) else ([], [])
    assert (keys, []) == (tables, heard.applied)
    assert len(keys) < 4  # else the commits have waited for the disk
    shop.write("5_t5.sql", "CREATE TABLE t5 (id integer);\n")
    report = await Migrator(server.url, shop.path, observer=None).up()
    assert ["1", "2", "3", "4", "5"][len(keys) :] == [entry.key for entry in report.entries]
    assert (["1", "2", "3", "4", "5"],) * 2 == await server.state()


async def test_a_crash_takes_nothing_back_after_the_run(
    server: FragileServer, shop: MigrationFolder
) -> None:
    """The report is given after the flush."""
    heard = Listener(_never, server.crash)
    report = await _migrator(server, shop, heard).up()
    server.crash()
    await server.recovered()
    assert (["1", "2", "3", "4", "5"],) * 2 == await server.state()
    assert ["1", "2", "3", "4", "5"] == heard.applied == [entry.key for entry in report.entries]


async def test_a_crash_takes_nothing_back_that_was_told_of_before_a_failure(
    server: FragileServer, shop: MigrationFolder
) -> None:
    """The flush comes before the failure is told."""
    shop.write("4_t4.sql", "CREATE TABLE t1 (id integer);\n")
    heard = Listener(lambda event: isinstance(event, MigrationFailed), server.crash)
    with pytest.raises(MigrationFailedError):
        await _migrator(server, shop, heard).up()
    await server.recovered()
    assert (["1", "2", "3"],) * 2 == await server.state()
    assert ["1", "2", "3"] == heard.applied


async def test_a_crash_takes_nothing_back_that_was_told_of_a_cancelled_run(
    server: FragileServer, shop: MigrationFolder
) -> None:
    """What was finished is flushed on the way out."""
    shop.write(
        "4_t4.sql", f"SELECT pg_advisory_xact_lock({GATE});\nCREATE TABLE t4 (id integer);\n"
    )
    begun = asyncio.Event()
    heard = Listener(_starts("4"), begun.set)
    async with connected(server.url) as gatekeeper:
        await gatekeeper.execute(f"SELECT pg_advisory_lock({GATE})")
        task = asyncio.create_task(_migrator(server, shop, heard).up())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    server.crash()
    await server.recovered()
    assert (["1", "2", "3"],) * 2 == await server.state()
    assert ["1", "2", "3"] == heard.applied


async def test_a_crash_in_a_migration_without_a_transaction_takes_nothing_back_before_it(
    server: FragileServer, shop: MigrationFolder
) -> None:
    """What it does, such as building an index, stays, and may stand on what came before."""
    shop.write("5_index.sql", f"-- migrate:up transaction:false\n{FOR_EVER}")
    shop.remove("5_t5.sql")
    heard = Listener(_starts("5"), server.crash)
    with pytest.raises(AsyncmigError):
        await _migrator(server, shop, heard).up()
    await server.recovered()
    assert (["1", "2", "3", "4"],) * 2 == await server.state()
    assert ["1", "2", "3", "4"] == heard.applied


async def _has_history(server: FragileServer) -> bool:
    ((found,),) = await ask(server.url, "SELECT to_regclass('asyncmig_history') IS NOT NULL")
    return bool(found)
