"""Who is in the way: seen through a second connection while a statement waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import asyncpg
import pytest

from asyncmig.blocker import Blocker
from asyncmig.engines.postgres import patience, watch
from asyncmig.engines.postgres.desk import Desk
from asyncmig.errors import DatabaseUnavailableError, MigrationFailedError
from asyncmig.history import Generation, History
from tests.engines.lab import Seen, first_step, locked, run, sql
from tests.engines.postgres.ground import (
    ask,
    backends,
    connected,
    do,
    engine_for,
    role,
    until,
    until_quiet,
)
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import Engine
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.migration import Migration

CHANGE = sql("1", "ALTER TABLE users ADD COLUMN name text;")
INDEX = sql("1", "CREATE INDEX CONCURRENTLY i ON users (id);", transaction=False)
TRIED_ONCE = {"lock_timeout": 0.4, "retries": 0}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(watch, "_FIRST_LOOK", 0.1)
    monkeypatch.setattr(watch, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(watch, "_ANNOUNCE_AFTER", 0.1)


@asynccontextmanager
async def application(
    url: str, query: str = "SELECT count(*) FROM users WHERE id = 1", name: str = "shop"
) -> AsyncGenerator[Any]:
    """Yield an application that has asked something in a transaction, and idles in it."""
    options = {"application_name": name}
    async with connected(url, server_settings=options) as connection, connection.transaction():
        await connection.execute(query)
        yield connection


async def fail(engine: Engine, migration: Migration) -> tuple[MigrationFailedError, Seen]:
    """Apply a migration in whose way somebody stays, and return what came of it."""
    seen = Seen()
    async with locked(engine) as session:
        with pytest.raises(MigrationFailedError) as caught:
            await session.apply(first_step(History(), migration), Generation(), seen.events)
    return caught.value, seen


def facts(blocker: Blocker) -> Blocker:
    """Return what is the same each time; the time of the query is looked at."""
    if blocker.query_start is not None:
        assert timedelta(0) <= datetime.now(UTC) - blocker.query_start < timedelta(minutes=1)
        assert UTC.utcoffset(None) == blocker.query_start.utcoffset()
    return replace(blocker, query_start=None)


async def test_a_retry_names_who_is_in_the_way(postgres_url: str) -> None:
    """And so does the error at the end, with what it takes to find them."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with application(postgres_url, "SELECT 's3cret', count(*) FROM users") as shop:
        engine = engine_for(postgres_url, lock_timeout=0.4, retries=1)
        error, seen = await fail(engine, CHANGE)
        pid = shop.get_server_pid()
    expected = Blocker(
        pid=pid,
        application="shop",
        user="postgres",
        state="idle in transaction",
        relation="public.users",
        query="SELECT '…', count(*) FROM users",
    )
    ((found,),) = seen.blockers
    assert expected == facts(found)
    assert (expected,) == tuple(map(facts, error.blockers))
    assert error.hint.startswith(f"in the way is shop (pid {pid}, postgres, idle in transaction")
    await until_quiet(postgres_url)


async def test_everybody_in_the_way_is_named(postgres_url: str) -> None:
    """One of them alone would not be enough to end."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with application(postgres_url), application(postgres_url, name="other"):
        error, _ = await fail(engine_for(postgres_url, **TRIED_ONCE), CHANGE)
    assert {"shop", "other"} == {blocker.application for blocker in error.blockers}


async def test_what_a_role_may_not_see_is_empty(postgres_url: str) -> None:
    """The pid, the application and the user are for everybody."""
    name = f"plain_{abs(hash(postgres_url))}"
    await do(postgres_url, "CREATE TABLE users (id int); GRANT CREATE ON SCHEMA public TO public")
    async with role(postgres_url, name) as url:
        await do(postgres_url, f"ALTER TABLE users OWNER TO {name}")
        async with application(postgres_url) as shop:
            error, _ = await fail(engine_for(url, **TRIED_ONCE), CHANGE)
            pid = shop.get_server_pid()
    expected = Blocker(pid, application="shop", user="postgres", relation="public.users")
    assert (expected,) == error.blockers
    assert expected.description == f"shop (pid {pid}, postgres)"


async def test_who_is_in_a_deadlock_is_named(postgres_url: str) -> None:
    """It is over after a second, and tried again like any other lock."""
    await do(
        postgres_url,
        "CREATE TABLE users (id int); CREATE TABLE orders ();"
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''2s''', "
        "current_database()); END $$",
    )
    text = "LOCK TABLE orders; ALTER TABLE users ADD COLUMN name text;"
    engine = engine_for(postgres_url, lock_timeout=None)
    seen = Seen()
    async with application(postgres_url, "SET deadlock_timeout = '1h'; LOCK TABLE users") as shop:

        async def waits() -> bool:
            return bool(await ask(postgres_url, "SELECT 1 FROM pg_locks WHERE NOT granted"))

        async with locked(engine) as session:
            step = first_step(History(), sql("1", text))
            task = asyncio.create_task(session.apply(step, Generation(), seen.events))
            await until(waits)
            await shop.execute("LOCK TABLE orders")  # granted once the migration is rolled back
            pid = shop.get_server_pid()
            await shop.execute("ROLLBACK; BEGIN")
            await task
    ((found,),) = seen.blockers
    assert (pid, "public.users") == (found.pid, found.relation)
    assert seen.retries[0].endswith("deadlock detected")


def test_a_prepared_transaction_is_named() -> None:
    """It has no process, and is the hardest to find."""
    found = watch._blocker(("0", None, None, None, None, None, "public.users", None))
    assert "a prepared transaction (see pg_prepared_xacts)" == found.description


async def test_a_long_wait_is_told_where_no_time_out_ends_it(postgres_url: str) -> None:
    """The author wanted to wait; somebody has to know for whom."""
    seen = await wait_for_the_shop(
        postgres_url, engine_for(postgres_url, lock_timeout=None), CHANGE
    )
    phase, (found,) = seen.waits[0]
    assert ("", "shop", "public.users") == (phase, found.application, found.relation)
    assert [] == seen.retries


async def test_an_index_build_says_for_whom_it_waits(postgres_url: str) -> None:
    """It has no lock_timeout, and waits for transactions that have nothing to do with it."""
    seen = await wait_for_the_shop(postgres_url, engine_for(postgres_url), INDEX)
    phase, (found,) = seen.waits[0]
    assert ("waiting for writers before build", "shop") == (phase, found.application)


def test_a_wait_is_told_after_a_while_and_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not each time that somebody looks; and a new wait is a new one."""
    told: list[float] = []
    now = 100.0
    monkeypatch.setattr(watch, "_ANNOUNCE_AFTER", 2.0)
    monkeypatch.setattr("time.monotonic", lambda: now)
    tell = watch._Teller(lambda seconds, _phase, _blockers: told.append(seconds))
    somebody = (Blocker(1),)

    for half_seconds in range(30):
        now = 100.0 + half_seconds / 2
        tell("", somebody)
    tell("", ())
    for half_seconds in range(30, 36):
        now = 100.0 + half_seconds / 2
        tell("", somebody)

    assert [2.0, 7.0, 12.0, 2.0] == told


async def test_who_looks_on_is_not_in_the_way(postgres_url: str) -> None:
    """An index build waits for every query, this one too, and so for an instant."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with (
        connected(postgres_url) as looking,
        connected(postgres_url) as other,
        connected(postgres_url, server_settings={"application_name": "waiting"}) as waiting,
    ):
        held = looking.transaction(), other.transaction()
        for transaction, connection in zip(held, (looking, other), strict=True):
            await transaction.start()
            await connection.execute("LOCK TABLE users IN SHARE MODE")
        task = asyncio.create_task(waiting.execute("ALTER TABLE users ADD COLUMN name text"))
        pid = waiting.get_server_pid()
        query = watch._query(pid, "waiting")

        async def is_seen() -> bool:
            return bool(await looking.fetch(query))

        await until(is_seen)
        seen = {row[0] for row in await looking.fetch(query)}
        assert {other.get_server_pid()} == seen
        assert [] == await looking.fetch(watch._query(pid, "of another server"))
        for transaction in held:
            await transaction.rollback()
        await task


async def test_who_was_in_the_way_before_is_not_to_blame(postgres_url: str) -> None:
    """The migration waited for somebody, and then failed for a reason of its own."""
    broken = sql("1", "LOCK TABLE users; SELECT 1 / 0;")
    with pytest.raises(MigrationFailedError, match="division by zero") as caught:
        await wait_for_the_shop(postgres_url, engine_for(postgres_url, lock_timeout=None), broken)
    assert () == caught.value.blockers


async def wait_for_the_shop(url: str, engine: Engine, migration: Migration) -> Seen:
    """Apply a migration that waits for somebody, until it has told so."""
    seen = Seen()
    await do(url, "CREATE TABLE users (id int)")
    async with locked(engine) as session:
        async with application(url, "INSERT INTO users VALUES (1)"):
            step = first_step(History(), migration)
            task = asyncio.create_task(session.apply(step, Generation(), seen.events))
            with anyio.fail_after(10):
                while not seen.waits:  # noqa: ASYNC110 - it is told to `seen`
                    await anyio.sleep(0.02)
        await task
    await until_quiet(url)
    return seen


@pytest.mark.parametrize(("first_look", "expected"), [(30.0, 0), (0.1, 1)])
async def test_a_quick_step_opens_no_second_connection(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, first_look: float, expected: int
) -> None:
    """It is for those that take their time, and they go on although the server has none left."""
    opened: list[Desk] = []

    async def refuse(desk: Desk) -> None:
        opened.append(desk)
        raise DatabaseUnavailableError("too many connections")

    monkeypatch.setattr(watch, "_FIRST_LOOK", first_look)
    monkeypatch.setattr(Desk, "open_another", refuse)
    await run(engine_for(postgres_url, lock_timeout=None), sql("1", "SELECT pg_sleep(0.5)"))
    assert expected == len(opened)


async def test_a_step_is_over_when_the_second_connection_is_closed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still open when a run returns would be cut by the end of its event loop."""
    closed: list[Desk] = []
    close = Desk.close_another

    async def take_time(desk: Desk, wire: Wire) -> None:
        await anyio.sleep(0.1)
        await close(desk, wire)
        closed.append(desk)

    monkeypatch.setattr(Desk, "close_another", take_time)
    monkeypatch.setattr(watch, "_GOODBYE_SECONDS", 10.0)
    await run(engine_for(postgres_url, lock_timeout=None), sql("1", "SELECT pg_sleep(0.5)"))
    assert 1 == len(closed)


@pytest.mark.parametrize(("size", "expected"), [(3, {"shop"}), (2, set[str]())])
async def test_a_pool_is_asked_only_when_it_has_one_left(
    postgres_url: str, size: int, expected: set[str]
) -> None:
    """The application must not wait for a connection because we look on."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with (
        asyncpg.create_pool(postgres_url, min_size=1, max_size=size) as pool,
        application(postgres_url),
    ):
        error, _ = await fail(engine_for(pool, **TRIED_ONCE), CHANGE)
        assert expected == {blocker.application for blocker in error.blockers}
        assert pool.get_size() == pool.get_idle_size()


async def test_a_connection_that_is_lent_is_alone(postgres_url: str) -> None:
    """The application has given one, so there is one; the error says where to look."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with connected(postgres_url) as connection, application(postgres_url):
        error, _ = await fail(engine_for(connection, **TRIED_ONCE), CHANGE)
    assert () == error.blockers
    assert "pg_stat_activity" in error.hint


@pytest.mark.parametrize("stalled", [False, True])
async def test_a_cancelled_step_takes_the_second_connection_with_it(
    postgres_url: str,
    stalled: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """In a bounded time, also on a network that is gone."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    async with Proxy(postgres_url) as proxy, application(postgres_url):
        engine = engine_for(proxy.url, lock_timeout=None)
        task = asyncio.create_task(run(engine, CHANGE))

        async def is_watched() -> bool:
            return await backends(postgres_url) == 2

        await until(is_watched)
        if stalled:
            proxy.stall()
        task.cancel()
        with anyio.fail_after(5), pytest.raises(asyncio.CancelledError):
            await task
        proxy.resume()
        await until_quiet(postgres_url, 6)
