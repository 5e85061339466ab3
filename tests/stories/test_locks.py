"""Stories 4 to 8 and 15 to 21: who holds the lock, who waits for it, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import asyncpg
import pytest

from asyncmig.engines import locking
from asyncmig.errors import DatabaseUnavailableError, MigrationFailedError
from asyncmig.events import LockWaiting
from tests.database import ask, tables
from tests.engines.postgres.ground import backends, locks, until
from tests.servers.pgbouncer import PoolMode
from tests.servers.proxy import Proxy, Way
from tests.stories.runs import applied, gated, killed_in_the_middle, quiet, until_exists

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

SEED = "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\n"
COUNT = "SELECT count(*) FROM users"


async def test_a_pooler_neither_strands_the_lock_nor_shares_it(
    pgbouncer: Callable[..., str], postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 4: a lock of the session stays with the pooler's connection, whoever has that next."""
    url = pgbouncer(PoolMode.TRANSACTION, 2)
    migration_folder.write("001_users.sql", SEED)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as runners:
            for _ in range(4):
                runners.start_soon(quiet(url, migration_folder).up)

    assert [(1,)] == await ask(postgres_url, COUNT)
    assert 0 == await locks(postgres_url)


async def test_a_failed_run_leaks_no_lock_into_the_pool(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 5: in an aborted transaction nothing can be unlocked; that has to be ended first."""
    migration_folder.write("001_users.sql", f"{SEED}SELECT 1 / 0;\n")
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool:
        with pytest.raises(MigrationFailedError, match="division by zero"):
            await quiet(pool, migration_folder).up()
        assert 0 == await locks(postgres_url)
        migration_folder.write("001_users.sql", SEED)
        report = await quiet(postgres_url, migration_folder, wait_timeout=1).up()

    assert ["001"] == [entry.key for entry in report.entries]


async def test_a_killed_pod_leaves_no_lock_row(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 6: no row says "locked", so none has to be removed by hand after a crash."""
    begun = gated(migration_folder, "001_users.py", "users")

    async def has_begun() -> bool:
        return begun.exists()

    async with killed_in_the_middle(database_url, migration_folder, has_begun):
        begun.unlink()
        migration_folder.remove("001_users.py")
        migration_folder.write("001_users.sql", SEED)
        with anyio.fail_after(20):
            report = await quiet(database_url, migration_folder, wait_timeout=15).up()

    assert ["001"] == [entry.key for entry in report.entries]
    assert ["asyncmig_history", "users"] == await tables(database_url)


async def test_a_crash_needs_nobody_to_force_a_version(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 7: not even in the middle of a file without a transaction; the next run goes on."""
    head = "-- migrate:up transaction:false\nCREATE TABLE users (id integer);\n"
    migration_folder.write("001_users.sql", f"{head}SELECT pg_sleep(60);\n")

    async def sleeps() -> bool:
        return bool(
            await ask(postgres_url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        )

    async with killed_in_the_middle(postgres_url, migration_folder, sleeps):
        migration_folder.write("001_users.sql", f"{head}INSERT INTO users VALUES (1);\n")
        report = await quiet(postgres_url, migration_folder, wait_timeout=15).up()

    assert ["001"] == [entry.key for entry in report.entries]
    assert [(1,)] == await ask(postgres_url, COUNT)


@pytest.mark.parametrize("way", Way)
async def test_a_commit_without_an_answer_is_neither_repeated_nor_given_up(
    postgres_url: str, migration_folder: MigrationFolder, way: Way
) -> None:
    """Story 8: the connection is lost before COMMIT arrives, or before its answer does."""
    migration_folder.write("000_first.sql", "SELECT 1;")
    await quiet(postgres_url, migration_folder).up()
    migration_folder.write("001_users.sql", SEED)
    async with Proxy(postgres_url) as proxy:
        proxy.cut_on(b"COMMIT;" if way is Way.TO_SERVER else b"COMMIT\0", way=way)
        migrator = quiet(proxy.url, migration_folder)
        if way is Way.TO_SERVER:
            with pytest.raises(DatabaseUnavailableError, match="is not applied"):
                await migrator.up()
        assert (await migrator.up()).entries
    assert () == (await quiet(postgres_url, migration_folder).up()).entries

    assert [(1,)] == await ask(postgres_url, COUNT)
    assert ["000", "001"] == await applied(postgres_url, migration_folder)


async def test_runners_that_start_together_run_nothing_twice(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 16: on an empty database, where not even the history is there yet."""
    migration_folder.write("001_users.sql", SEED)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as runners:
            for _ in range(6):
                runners.start_soon(quiet(database_url, migration_folder).up)

    assert [(1,)] == await ask(database_url, COUNT)
    assert ["001"] == await applied(database_url, migration_folder)


async def test_a_deploy_is_not_red_because_another_one_runs(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 17: it waits, says for whom, finds nothing left to do, and succeeds."""
    begun = gated(migration_folder, "001_users.py", "users")
    events: list[Event] = []
    first = asyncio.create_task(quiet(database_url, migration_folder).up())
    await until_exists(begun)
    second = asyncio.create_task(quiet(database_url, migration_folder, observer=events.append).up())
    await until(lambda: _has_waited(events, 1))
    begun.unlink()

    assert (1, 0) == (len((await first).entries), len((await second).entries))
    (told, *_) = (event for event in events if isinstance(event, LockWaiting))
    assert "asyncmig" in told.holder


async def test_a_migration_that_takes_long_outlasts_no_limit_of_who_waits(
    postgres_url: str, migration_folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story 18: there is no limit unless one is asked for, and the wait goes on saying so."""
    monkeypatch.setattr(locking, "ANNOUNCE_EVERY", 0.1)
    begun = gated(migration_folder, "001_users.py", "users")
    events: list[Event] = []
    first = asyncio.create_task(quiet(postgres_url, migration_folder).up())
    await until_exists(begun)
    second = asyncio.create_task(quiet(postgres_url, migration_folder, observer=events.append).up())
    await until(lambda: _has_waited(events, 3), 20)
    begun.unlink()

    assert (1, 0) == (len((await first).entries), len((await second).entries))


async def _has_waited(events: list[Event], times: int) -> bool:
    return sum(1 for event in events if isinstance(event, LockWaiting)) >= times


async def test_the_time_outs_of_the_pool_do_not_end_a_migration(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 19: what an application sets for its requests is not meant for an index build."""
    migration_folder.write("001_slow.sql", "SELECT pg_sleep(0.5);")
    limits = {"statement_timeout": "200"}
    async with asyncpg.create_pool(
        postgres_url, min_size=1, max_size=1, command_timeout=0.2, server_settings=limits
    ) as pool:
        report = await quiet(pool, migration_folder).up()
        assert "200ms" == await pool.fetchval("SHOW statement_timeout", timeout=5)

    assert ["001"] == [entry.key for entry in report.entries]


async def test_a_pool_of_one_connection_does_not_wait_for_itself(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 21: one connection holds the lock and does the work."""
    migration_folder.write("001_users.sql", SEED)
    seen: list[int] = []

    async def setup(_connection: object) -> None:
        seen.append(await backends(postgres_url))

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool:
        with anyio.fail_after(20):
            await quiet(pool, migration_folder).up()
    migration_folder.write("002_more.sql", "SELECT 1;")
    await quiet(postgres_url, migration_folder, setup=setup).up()

    assert [1] == seen
