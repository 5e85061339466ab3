"""The throw-away servers themselves: a wrong one would make every other test lie."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.servers.pgbouncer import PoolMode
from tests.servers.postgres import PROJECT, postgres, postgres_binaries
from tests.servers.proxy import Proxy, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands import Finished


async def count_rows(url: str) -> int:
    """Return how many rows the table `seen` has."""
    connection = await asyncpg.connect(url)
    try:
        rows: int = await connection.fetchval("SELECT count(*) FROM seen")
    finally:
        await connection.close()
    return rows


async def test_each_test_gets_an_empty_database(postgres_url: str) -> None:
    """The database of a test holds nothing, and is not the server's own."""
    connection = await asyncpg.connect(postgres_url)
    name = await connection.fetchval("SELECT current_database()")
    tables = await connection.fetchval(
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
    )
    await connection.close()

    assert (urlsplit(postgres_url).path[1:], 0) == (name, tables)


@pytest.mark.skipif("ASYNCMIG_PG_DSN" in os.environ, reason="about a server of our own")
async def test_a_server_takes_settings(postgres_server: str) -> None:
    """A test that breaks its server can have one of its own, set up as it needs it."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips

    with postgres(max_connections="7") as url:
        connection = await asyncpg.connect(url)
        limit = await connection.fetchval("SHOW max_connections")
        await connection.close()

    assert limit == "7"


def test_a_killed_test_run_leaves_no_server_behind(postgres_server: str) -> None:
    """The guard ends with its parent, and takes the server and its files along."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.guard", postgres_binaries()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    with guard:
        assert guard.stdout is not None
        assert guard.stdin is not None
        port = int(guard.stdout.readline().split()[1])
        guard.stdin.close()  # what the kernel does for a process that is killed
        guard.wait(10)

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncpg.connect(f"postgresql://postgres@127.0.0.1:{port}/?sslmode=disable"))


@pytest.mark.parametrize("mode", list(PoolMode))
async def test_pgbouncer_stands_between(pgbouncer: Callable[..., str], mode: PoolMode) -> None:
    """In every pool mode the client talks to a process that is not its PostgreSQL backend."""
    connection = await asyncpg.connect(pgbouncer(mode=mode), statement_cache_size=0)
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    await connection.close()

    assert connection.get_server_pid() != backend


@pytest.mark.parametrize(("mode", "shared"), [(PoolMode.SESSION, 2), (PoolMode.TRANSACTION, 1)])
async def test_only_session_pooling_gives_each_client_a_backend(
    pgbouncer: Callable[..., str], mode: PoolMode, shared: int
) -> None:
    """Two idle clients share one backend under transaction pooling, and no other way."""
    url = pgbouncer(mode=mode, pool=2)
    clients = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(2)]
    backends = {await client.fetchval("SELECT pg_backend_pid()") for client in clients}
    for client in clients:
        await client.close()

    assert shared == len(backends)


@pytest.mark.parametrize(("way", "rows"), [(Way.TO_SERVER, 0), (Way.TO_CLIENT, 1)])
async def test_the_proxy_loses_a_commit_or_its_answer(
    postgres_url: str, way: Way, rows: int
) -> None:
    """Cut before the server nothing is committed; cut after it everything is."""
    async with Proxy(postgres_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        await connection.execute("CREATE TABLE seen (id int)")
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO seen VALUES (1)")
        proxy.cut_on(b"COMMIT", way=way)
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
            await connection.execute("COMMIT")

    assert rows == await count_rows(postgres_url)


async def test_a_proxy_cuts_on_what_comes_not_on_what_has_passed(postgres_url: str) -> None:
    """The same bytes may have gone by before."""
    async with Proxy(postgres_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        await connection.execute("SELECT 'needle'")
        proxy.cut_on(b"needle", way=Way.TO_SERVER)
        passed = await connection.fetchval("SELECT 1")
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
            await connection.execute("SELECT 'needle'")

    assert 1 == passed


async def test_a_stalled_proxy_holds_back_and_then_delivers(postgres_url: str) -> None:
    """Nothing is lost in a stall: the answer comes when the network does."""
    async with Proxy(postgres_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        proxy.stall()
        answer = asyncio.create_task(connection.fetchval("SELECT 42"))
        _, waiting = await asyncio.wait({answer}, timeout=0.1)
        proxy.resume()
        value = await answer
        await connection.close()

    assert ({answer}, 42) == (waiting, value)


async def test_a_reset_ends_the_session_on_the_server(postgres_url: str) -> None:
    """The server too learns of a reset, so that the locks of the session are gone."""
    async with Proxy(postgres_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        await connection.execute("SELECT pg_advisory_lock(42)")
        proxy.reset()
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError)):
            await connection.execute("SELECT 1")

    observer = await asyncpg.connect(postgres_url)
    deadline = time.monotonic() + 5
    while not await observer.fetchval("SELECT pg_try_advisory_lock(42)"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await observer.close()


async def test_the_proxy_counts_connections_and_round_trips(postgres_url: str) -> None:
    """A statement without parameters is one round trip."""
    async with Proxy(postgres_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        before = proxy.round_trips
        await connection.execute("SELECT 1")
        await connection.execute("SELECT 2")
        counted = proxy.round_trips - before
        await connection.close()

    assert (1, 2) == (proxy.connections, counted)


def test_psql_and_the_server_are_one_version(
    postgres_url: str, psql: Callable[[str, str], Finished]
) -> None:
    """A script runs to its end, and stops where it says so."""
    script = "\\set ON_ERROR_STOP on\n\\pset format unaligned\n\\t on\nSELECT 'ran';\nSELECT 1/0;"

    finished = psql(postgres_url, script)

    assert (3, "ran\n") == (finished.exit_code, finished.stdout)
    assert "division by zero" in finished.stderr


def test_the_sqlite3_shell_runs_a_script(
    sqlite_path: Path, sqlite3_shell: Callable[[Path, str], Finished]
) -> None:
    """A script runs to its end, and stops where it says so."""
    finished = sqlite3_shell(sqlite_path, ".bail on\nSELECT 'ran';\nSELECT * FROM absent;")

    assert (1, "ran\n") == (finished.exit_code, finished.stdout)
    assert "no such table: absent" in finished.stderr
