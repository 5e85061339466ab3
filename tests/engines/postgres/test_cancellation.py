"""Cancellation and lost connections: the lock is free, nothing is left, the outcome is known."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.errors import DatabaseUnavailableError
from asyncmig.history import History
from asyncmig.plan import make_plan
from tests.engines.lab import LAX, RIVAL, UP, Seen, history_of, locked, run, sql, wait_for
from tests.engines.postgres.ground import ask, engine_for, until, until_quiet
from tests.servers.postgres import fresh_database, postgres
from tests.servers.proxy import Proxy, Way

if TYPE_CHECKING:
    from collections.abc import Generator

USERS = sql("1", "CREATE TABLE users (id integer);")
SLOW = sql("1", "CREATE TABLE users (id integer);\nSELECT pg_sleep(60);")


async def _sleeps(url: str) -> bool:
    return bool(await ask(url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))


async def _by_scope(url: str) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, engine_for(url), SLOW)
        await until(lambda: _sleeps(url))
        tasks.cancel_scope.cancel()


async def _by_timeout(url: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await run(engine_for(url), SLOW)


async def _by_task(url: str, *, times: int = 1) -> None:
    task = asyncio.create_task(run(engine_for(url), SLOW))
    await until(lambda: _sleeps(url))
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def _by_task_twice(url: str) -> None:
    await _by_task(url, times=3)


@pytest.mark.parametrize("cancel", [_by_scope, _by_timeout, _by_task, _by_task_twice])
async def test_a_cancelled_statement_ends_on_the_server(postgres_url: str, cancel: object) -> None:
    """It does not go on behind our back, whoever cancels and however often."""
    assert callable(cancel)
    with anyio.fail_after(5):
        await cancel(postgres_url)
    await until_quiet(postgres_url, 1)
    assert History() == await history_of(engine_for(postgres_url))


async def test_a_cancelled_wait_ends_at_once(postgres_url: str) -> None:
    """No session of the waiter is left."""
    async with locked(engine_for(postgres_url)):
        with anyio.move_on_after(0.3) as scope:
            async with locked(engine_for(postgres_url), RIVAL):
                pass
        assert scope.cancelled_caught
        name = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'asyncmig/run-2'"
        assert [(0,)] == await ask(postgres_url, name)


async def test_a_cancel_ends_although_the_server_does_not_answer(postgres_url: str) -> None:
    """Every step of the clean-up is bounded."""
    async with Proxy(postgres_url) as proxy:
        task = asyncio.create_task(run(engine_for(proxy.url), SLOW))
        await until(lambda: _sleeps(postgres_url))
        proxy.stall()
        began = time.monotonic()
        task.cancel()
        with anyio.fail_after(5), pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 5
        proxy.resume()
        await until_quiet(postgres_url, 6)


# --- COMMIT -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def waiting_server(postgres_server: str) -> Generator[str]:
    """Yield a server whose COMMIT waits for a standby that is not there."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    with postgres(synchronous_standby_names="nobody") as url:
        yield url


@pytest.fixture
def waiting_url(waiting_server: str, request: pytest.FixtureRequest) -> Generator[str]:
    """Yield a fresh database there."""
    with fresh_database(waiting_server, f"wait_{abs(hash(request.node.name))}") as url:
        yield url


WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.mark.parametrize("scope", [True, False])
async def test_a_commit_that_was_sent_is_awaited_and_reported(
    waiting_url: str,
    scope: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The cancellation comes after the outcome, and does not wait for ever."""
    await run(engine_for(waiting_url), sql("0", ""))
    slow = sql("1", "CREATE TABLE users ();")
    durable = f"{waiting_url}&options=-csynchronous_commit%3Don"
    done = list[str]()

    async def work() -> None:
        async with engine_for(durable).session(RIVAL) as session, session.lock(wait_for()):
            history = await session.history()
            (step,) = make_plan([sql("0", ""), slow], history, UP, LAX).steps
            entry = await session.apply(step, history.generation, Seen().events)
            done.append(entry.key)
            await anyio.lowlevel.checkpoint()
            done.append("not cancelled")

    async def waits() -> bool:
        return bool(await ask(waiting_url, WAITS))

    began = time.monotonic()
    if scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await until(waits)
            await _cancel_and_release(waiting_url, tasks.cancel_scope.cancel)
    else:
        task = asyncio.create_task(work())
        await until(waits)
        await _cancel_and_release(waiting_url, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ["1"] == done
    assert time.monotonic() - began < 6
    keys = [entry.key for entry in await history_of(engine_for(waiting_url))]
    assert ["0", "1"] == keys


async def _cancel_and_release(url: str, cancel: object) -> None:
    """Cancel, and half a second later let the server end its wait: it has committed locally."""
    assert callable(cancel)
    cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.sleep(0.5)
        await ask(
            url, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        )


@pytest.mark.parametrize("scope", [True, False])
async def test_a_commit_that_is_not_answered_does_not_hold_up_a_cancel(
    postgres_url: str,
    scope: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The wait for its outcome is bounded once the task is cancelled."""
    async with StallingProxy(postgres_url) as proxy:
        await run(engine_for(proxy.url), sql("1", "SELECT 1"))
        two = [sql("1", "SELECT 1"), sql("2", "CREATE TABLE users ()")]
        proxy.stall_on = b"COMMIT;"
        with anyio.fail_after(7):
            if scope:
                with anyio.move_on_after(0.7) as limit:
                    await run(engine_for(proxy.url), *two)
                assert limit.cancelled_caught
            else:
                task = asyncio.create_task(run(engine_for(proxy.url), *two))
                await anyio.sleep(0.7)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        proxy.resume()
        await until_quiet(postgres_url, 6)


class StallingProxy(Proxy):
    """A proxy that stops delivering once a request has passed."""

    stall_on = b""

    def _is_cut(self, seen: bytes, way: Way) -> bool:
        if way is Way.TO_SERVER and self.stall_on and self.stall_on in seen:
            self.stall_on = b""
            self.stall()
        return super()._is_cut(seen, way)


@pytest.mark.parametrize(("way", "applied"), [(Way.TO_SERVER, False), (Way.TO_CLIENT, True)])
async def test_what_became_of_a_lost_commit_is_looked_up(
    postgres_url: str,
    way: Way,
    applied: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Nothing is guessed: a new connection finds the row, or does not."""
    tables = "SELECT to_regclass('users')::text"
    async with Proxy(postgres_url) as proxy:
        await run(engine_for(postgres_url), sql("0", ""))
        proxy.cut_on(b"COMMIT;" if way is Way.TO_SERVER else b"COMMIT\0", way=way)
        if applied:
            (entry,) = await run(engine_for(proxy.url), sql("0", ""), USERS)
            assert "1" == entry.key
            assert [("users",)] == await ask(postgres_url, tables)
        else:
            with pytest.raises(DatabaseUnavailableError, match=r"lost in COMMIT.* is not applied"):
                await run(engine_for(proxy.url), sql("0", ""), USERS)
            assert [(None,)] == await ask(postgres_url, tables)
            await run(engine_for(proxy.url), sql("0", ""), USERS)
    assert ["0", "1"] == [entry.key for entry in await history_of(engine_for(postgres_url))]


async def test_a_connection_lost_in_a_statement_leaves_nothing(postgres_url: str) -> None:
    """The server rolls back by itself."""
    async with Proxy(postgres_url) as proxy:
        task = asyncio.create_task(run(engine_for(proxy.url), SLOW))
        await until(lambda: _sleeps(postgres_url))
        proxy.reset()
        with anyio.fail_after(5), pytest.raises(DatabaseUnavailableError, match="was lost"):
            await task
    await until_quiet(postgres_url)
    assert History() == await history_of(engine_for(postgres_url))
