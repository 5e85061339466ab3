"""The lock: asked for again and again, never waited for inside the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError, NothingToDo
from asyncmig.engines.postgres import waiting
from asyncmig.errors import DatabaseUnavailableError, LockTimeoutError
from asyncmig.history import Generation, History
from tests.engines.lab import (
    RIVAL,
    RUNNER,
    Seen,
    first_step,
    history_of,
    locked,
    run,
    sql,
    wait_for,
)
from tests.engines.postgres.ground import ask, backends, do, engine_for, locks, until, until_quiet
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    import asyncpg

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'asyncmig/run-1'"
)


async def test_the_holder_is_named(postgres_url: str) -> None:
    """Those who wait learn the application name, the process and since when."""
    seen = Seen()
    async with locked(engine_for(postgres_url)), engine_for(postgres_url).session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError) as caught:
            async with rival.lock(wait_for(timeout=0.1, seen=seen)):
                pass
        ((pid, since),) = await ask(
            postgres_url,
            "SELECT pid, backend_start FROM pg_stat_activity "
            "WHERE application_name = 'asyncmig/run-1'",
        )
    (holder,) = seen.holders
    assert holder is not None
    assert (f"asyncmig/run-1 (pid {pid})", since) == (holder.description, holder.since)
    assert holder.description == caught.value.holder


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres"])
async def test_the_clock_is_read_whatever_the_date_style(postgres_url: str, style: str) -> None:
    """Neither the holder's time nor the history's depend on DateStyle."""
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f"ALTER DATABASE {name} SET datestyle TO {style}")
    (entry,) = await run(engine_for(postgres_url), USERS)
    seen = Seen()
    async with locked(engine_for(postgres_url)), engine_for(postgres_url).session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError):
            async with rival.lock(wait_for(timeout=0, seen=seen)):
                pass
        assert History((entry,)) == await rival.history()


async def test_nobody_waits_inside_the_server(postgres_url: str) -> None:
    """While three wait, none of them is active or in a transaction, and none is queued."""
    async with locked(engine_for(postgres_url)), anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(_wait, postgres_url, number)
        await until(lambda: _has_backends(postgres_url, 4))
        for _ in range(10):
            ((queued, in_transaction),) = await ask(
                postgres_url,
                "SELECT (SELECT count(*) FROM pg_locks WHERE NOT granted), count(*) FILTER "
                "(WHERE state LIKE 'idle in%') FROM pg_stat_activity",
            )
            assert (0, 0) == (queued, in_transaction)
        tasks.cancel_scope.cancel()


async def _wait(url: str, number: int) -> None:
    async with engine_for(url).session(RIVAL) as session, session.lock(wait_for(timeout=None)):
        pytest.fail(f"waiter {number} got a lock that is held")


async def _has_backends(url: str, count: int) -> bool:
    return await backends(url) == count


async def test_an_index_is_built_concurrently_while_others_wait(postgres_url: str) -> None:
    """A waiter that blocked inside the server would deadlock with it (golang-migrate #960)."""
    index = sql("2", "CREATE INDEX CONCURRENTLY i ON users (id);", transaction=False)
    released = list[str]()

    async def waiter() -> None:
        try:
            await _run_when_free(postgres_url)
        except NothingToDo:
            released.append("nothing to do")

    async with anyio.create_task_group() as tasks, locked(engine_for(postgres_url)) as session:
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)
        for _ in range(3):
            tasks.start_soon(waiter)
        await until(lambda: _has_backends(postgres_url, 4))
        await anyio.sleep(1.2)  # longer than deadlock_timeout
        history = await session.history()
        with anyio.fail_after(5):
            step = first_step(history, USERS, index)
            await session.apply(step, history.generation, Seen().events)
        await until(lambda: _is_three(released), 3)
    assert [(True,)] == await ask(
        postgres_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"
    )


async def _is_three(released: list[str]) -> bool:
    return released == ["nothing to do"] * 3


async def _run_when_free(url: str) -> None:
    def settled(history: History) -> bool:
        return [entry.key for entry in history if entry.state == "applied"] == ["1", "2"]

    async with (
        engine_for(url).session(RIVAL) as session,
        session.lock(wait_for(settled=settled)),
    ):
        pytest.fail("the lock was free before the work was done")


async def test_a_dead_holder_frees_the_lock(postgres_url: str) -> None:
    """The lock dies with the backend, and the holder's next step says that it is gone."""
    async with locked(engine_for(postgres_url)) as session:
        await ask(postgres_url, KILL)
        async with locked(engine_for(postgres_url), RIVAL):
            pass
        step = first_step(History(), USERS)
        with pytest.raises(DatabaseUnavailableError, match="was lost"):
            await session.apply(step, Generation(), Seen().events)
    await until_quiet(postgres_url)
    assert History() == await history_of(engine_for(postgres_url))


async def test_a_waiter_survives_the_loss_of_its_connection(postgres_url: str) -> None:
    """It connects anew and goes on waiting."""
    kill = KILL.replace("run-1", "run-2")
    order = list[str]()

    async def rival() -> None:
        async with locked(engine_for(postgres_url), RIVAL):
            order.append("rival")

    async with anyio.create_task_group() as tasks, locked(engine_for(postgres_url)):
        tasks.start_soon(rival)
        await until(lambda: _has_backends(postgres_url, 2))
        await anyio.sleep(0.3)
        assert [(True,)] == await ask(postgres_url, kill)
        await anyio.sleep(0.3)
        await until(lambda: _has_backends(postgres_url, 2))
        order.append("holder")
    assert ["holder", "rival"] == order


async def test_a_waiter_does_not_wait_for_a_server_that_is_frozen(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its network takes everything and answers nothing, so no time-out of TCP would end it."""
    monkeypatch.setattr(waiting, "_ANSWER_SECONDS", 0.5)
    async with Proxy(postgres_url) as proxy, locked(engine_for(postgres_url)):

        def freeze(_history: History) -> bool:
            proxy.stall()
            return False

        engine = engine_for(proxy.url, connect_timeout=0.5)
        async with engine.session(RIVAL) as session:
            with anyio.fail_after(20), pytest.raises(DatabaseUnavailableError):
                async with session.lock(wait_for(timeout=None, settled=freeze)):
                    pass


async def test_no_lock_is_left(postgres_url: str) -> None:
    """After a visit the server knows neither a session nor a lock of ours."""
    await run(engine_for(postgres_url), USERS)
    await until_quiet(postgres_url)


async def test_each_database_and_each_table_has_its_own_lock(postgres_url: str) -> None:
    """Histories of several modules do not wait for each other."""
    other = engine_for(postgres_url, table="other")
    async with locked(engine_for(postgres_url)), locked(other):
        assert 2 == await locks(postgres_url)


# --- the fence --------------------------------------------------------------------------------


async def test_a_taken_fence_runs_nothing(postgres_url: str) -> None:
    """A runner that lost its lock without knowing meets the new holder inside its transaction."""
    async with (
        engine_for(postgres_url).session(RUNNER) as session,
        session.lock(wait_for(timeout=0.3)),
    ):
        await _unlock(session)
        async with locked(engine_for(postgres_url), RIVAL) as rival:
            with pytest.raises(LockTimeoutError):
                await session.apply(first_step(History(), USERS), Generation(), Seen().events)
            assert "users" not in await _tables(postgres_url)
            await rival.apply(first_step(History(), sql("2", "")), Generation(), Seen().events)
        with pytest.raises(HistoryMovedError):
            await session.apply(first_step(History(), USERS), Generation(), Seen().events)
        assert "users" not in await _tables(postgres_url)
        await session.apply(first_step(History(), USERS), Generation(1, 0), Seen().events)
    assert "users" in await _tables(postgres_url)


async def _tables(url: str) -> set[str]:
    return {name for (name,) in await ask(url, "SELECT tablename FROM pg_tables")}


async def _unlock(session: object) -> None:
    raw: asyncpg.Connection = session.wire.raw  # type: ignore[attr-defined]
    await raw.execute("SELECT pg_advisory_unlock_all()")


async def test_the_lock_outlives_the_fence(postgres_url: str) -> None:
    """The fence is the same key for one transaction; the session's lock stays when it ends."""
    async with locked(engine_for(postgres_url)) as session:
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)
        assert 1 == await locks(postgres_url)
