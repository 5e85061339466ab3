"""A connection or a pool of the application's: it comes back as it was, and open."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import asyncpg
import pytest

from asyncmig.errors import (
    ConnectionInUseError,
    DatabaseUnavailableError,
    MigrationFailedError,
)
from tests.engines.lab import RIVAL, history_of, locked, python, run, sql
from tests.engines.postgres.ground import ask, connected, do, engine_for, locks

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
BRIEF = 0.5
"""Seconds: an application's time-out, which what it does itself keeps on a busy machine too."""

SLOW = sql("2", "SELECT pg_sleep(0.7)")
BUILD = sql("3", "CREATE INDEX CONCURRENTLY i ON users (id)", transaction=False)
LEAVES = sql(
    "4",
    "SET lock_timeout = '9s'; SET search_path = nowhere; SET ROLE pg_monitor; RESET work_mem; "
    "CREATE TEMP TABLE left_over (); SET TimeZone = 'Asia/Tokyo'; LISTEN \"left Over\"; "
    'DECLARE "left Over" CURSOR WITH HOLD FOR SELECT 1',
)
LOOK = sql("5", "CREATE TABLE public.seen AS SELECT current_setting('search_path') AS path")
STATE = (
    "SELECT name, setting FROM pg_settings WHERE source = 'session' UNION ALL "
    "SELECT 'role', current_setting('role') UNION ALL SELECT 'user', session_user "
    "UNION ALL SELECT 'channel', * FROM pg_listening_channels() "
    "UNION ALL SELECT 'cursor', name FROM pg_cursors WHERE is_holdable "
    "UNION ALL SELECT 'temp', relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() "
    "ORDER BY 1, 2"
)


def silly(_value: Any) -> str:  # noqa: ANN401 - of a codec
    """Encode or decode to nonsense."""
    return "silly"


async def with_habits(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    """Give a connection what applications give theirs."""
    for name in ("text", "timestamptz", "int8", "bool", "bytea"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=silly, decoder=silly, format="text"
        )


async def test_a_connection_comes_back_as_it_was(postgres_url: str) -> None:
    """Its settings, role, user, codecs and command_timeout are the application's business."""
    async with connected(postgres_url, command_timeout=30) as connection:
        await connection.execute(
            "SET work_mem = '7MB'; SET statement_timeout = '20s'; "
            "SET search_path = public, pg_temp; SET SESSION AUTHORIZATION postgres; "
            "SET ROLE postgres; CREATE TEMP TABLE mine (); LISTEN mine; "
            "DECLARE mine CURSOR WITH HOLD FOR SELECT 1;"
        )
        before = await connection.fetch(STATE)
        entries = await run(engine_for(connection), USERS, SLOW, BUILD, LEAVES, LOOK)
        assert before == await connection.fetch(STATE)
        assert 30 == connection._config.command_timeout
        assert not connection.is_closed()
    assert ["1", "2", "3", "4", "5"] == [entry.key for entry in entries]
    assert [("public, pg_temp",)] == await ask(postgres_url, "SELECT path FROM seen")
    assert 0 == await locks(postgres_url)


async def test_codecs_and_time_outs_do_not_reach_us(postgres_url: str) -> None:
    """A migration takes as long as it takes, and our rows are read as they are."""
    async with connected(postgres_url, command_timeout=BRIEF) as connection:
        await with_habits(connection)
        slow = python("6", "await connection.execute('SELECT pg_sleep(0.7)')")
        entries = await run(engine_for(connection), USERS, SLOW, BUILD, slow)
        assert entries == list(await history_of(engine_for(postgres_url)))
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(1)")
        assert "silly" == await connection.fetchval("SELECT 'text'::text", timeout=5)


async def test_a_record_class_does_not_reach_us(postgres_url: str) -> None:
    """An application may have given its rows another class."""

    class Odd(asyncpg.Record):
        def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - as its base
            raise KeyError(key)

    async with connected(postgres_url, record_class=Odd) as connection:
        (entry,) = await run(engine_for(connection), USERS)
    assert [entry] == list(await history_of(engine_for(postgres_url)))


async def test_a_failed_migration_leaves_the_connection_usable(postgres_url: str) -> None:
    """It is outside a transaction and holds no lock."""
    async with connected(postgres_url) as connection:
        before = await connection.fetch(STATE)
        with pytest.raises(MigrationFailedError):
            await run(engine_for(connection), sql("1", "SET work_mem = '9MB'; NONSENSE"))
        with pytest.raises(MigrationFailedError):
            await run(
                engine_for(connection),
                sql("1", "SET work_mem = '9MB'; NONSENSE", transaction=False),
            )
        assert before == await connection.fetch(STATE)
        assert (False, 0) == (connection.is_in_transaction(), await locks(postgres_url))


@pytest.mark.parametrize("transaction", [True, False])
async def test_a_cancelled_migration_leaves_the_connection_usable(
    postgres_url: str,
    transaction: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The statement is cancelled on the server, and nothing is locked."""
    slow = sql("1", "SET work_mem = '9MB'; SELECT pg_sleep(60)", transaction=transaction)
    async with connected(postgres_url) as connection:
        before = await connection.fetch(STATE)
        task = asyncio.create_task(run(engine_for(connection), slow))
        await anyio.sleep(0.3)
        task.cancel()
        with anyio.fail_after(3), pytest.raises(asyncio.CancelledError):
            await task
        assert before == await connection.fetch(STATE)
        assert 0 == await locks(postgres_url)


@pytest.mark.parametrize(
    "end", ["raise KeyError", "await connection.execute('SELECT pg_sleep(60)')"]
)
async def test_an_open_transaction_of_python_is_not_left_open(postgres_url: str, end: str) -> None:
    """It was begun outside of ours, and its author did not come to its end."""
    source = f"await connection.execute('BEGIN; CREATE TABLE users ()')\n{end}"
    async with connected(postgres_url) as connection:
        broken = python("1", source, transaction=False)
        task = asyncio.create_task(run(engine_for(connection), broken))
        await anyio.sleep(0.4)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, MigrationFailedError)):
            await task
        assert (False, 0) == (connection.is_in_transaction(), await locks(postgres_url))
        async with connection.transaction():
            assert await connection.fetchval("SELECT to_regclass('users')") is None


async def test_a_cancelled_wait_leaves_no_lock(postgres_url: str) -> None:
    """Not even when the lock was granted to a statement whose answer nobody read."""
    async with connected(postgres_url) as connection:
        for hundredths in range(12):
            with anyio.move_on_after(hundredths / 1000):
                async with locked(engine_for(connection), RIVAL):
                    pass
            assert (0, False) == (await locks(postgres_url), connection.is_in_transaction())


async def test_a_connection_in_use_is_refused(postgres_url: str) -> None:
    """In a transaction, or closed."""
    async with connected(postgres_url) as connection, connection.transaction():
        with pytest.raises(ConnectionInUseError, match="inside a transaction"):
            await history_of(engine_for(connection))
    with pytest.raises(ConnectionInUseError, match="is closed"):
        await history_of(engine_for(connection))


async def test_a_connection_that_is_used_meanwhile_is_named(postgres_url: str) -> None:
    """The application's own statement is in the way."""
    async with connected(postgres_url) as connection:
        task = asyncio.create_task(connection.execute("SELECT pg_sleep(0.5)"))
        await anyio.sleep(0.1)
        with pytest.raises(ConnectionInUseError, match="another operation"):
            await history_of(engine_for(connection))
        await task


# --- a pool -----------------------------------------------------------------------------------


async def test_a_pool_of_one_is_enough(postgres_url: str) -> None:
    """One connection is borrowed, and comes back clean."""
    async with asyncpg.create_pool(
        postgres_url, min_size=1, max_size=1, command_timeout=BRIEF, init=with_habits
    ) as pool:
        await run(engine_for(pool), USERS, SLOW, BUILD, LEAVES)
        with pytest.raises(MigrationFailedError):
            await run(engine_for(pool), USERS, SLOW, BUILD, LEAVES, sql("5", "NONSENSE"))
        async with pool.acquire() as connection:
            with pytest.raises(TimeoutError):
                await connection.execute("SELECT pg_sleep(1)")
            assert "silly" == await connection.fetchval("SELECT 'x'::text", timeout=5)
        assert (1, 1) == (pool.get_size(), pool.get_idle_size())
    assert 0 == await locks(postgres_url)


async def test_a_pool_with_no_free_connection_says_so(postgres_url: str) -> None:
    """The wait for one has an end."""
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool, pool.acquire():
        with pytest.raises(DatabaseUnavailableError, match=r"no free connection for 0\.1 s"):
            await history_of(engine_for(pool, connect_timeout=0.1))


async def test_a_closed_pool_is_refused(postgres_url: str) -> None:
    """It is a mistake of the caller, not of the database."""
    pool = await asyncpg.create_pool(postgres_url, min_size=1, max_size=1)
    await pool.close()
    with pytest.raises(ConnectionInUseError, match="pool"):
        await history_of(engine_for(pool))


async def test_a_python_migration_gets_a_connection_that_nests(postgres_url: str) -> None:
    """Its transaction() is a savepoint of ours."""
    source = (
        "async with connection.transaction():\n    await connection.execute('CREATE TABLE t ()')"
    )
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool:
        await run(engine_for(pool), python("1", source))
    assert [("t",)] == await ask(postgres_url, "SELECT to_regclass('t')::text")


async def test_a_lent_connection_that_is_lost_is_reported(postgres_url: str) -> None:
    """There is no other one to go on with."""
    kill = sql("1", "SELECT pg_terminate_backend(pg_backend_pid())")
    connection = await asyncpg.connect(postgres_url)
    with pytest.raises(DatabaseUnavailableError, match="was lost"):
        await run(engine_for(connection), kill)
    await do(postgres_url, "SELECT 1")
