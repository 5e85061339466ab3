"""A crowd that waits for one migration: who keeps a connection, and who lets go of it."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import anyio
import asyncpg
import pytest

from asyncmig.engines.base import NothingToDo
from asyncmig.engines.postgres.engine import PostgresEngine
from asyncmig.engines.postgres.seats import SEATS, Seats
from asyncmig.errors import LockTimeoutError
from asyncmig.history import Generation, History, RowState
from tests.engines.lab import RIVAL, Seen, first_step, locked, sql, wait_for
from tests.engines.postgres.ground import ask, backends, engine_for, locks, until, until_quiet

if TYPE_CHECKING:
    from anyio.abc import TaskGroup


USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);")
SEATED = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
VISITORS = 8
HOLDER = 1


def is_applied(history: History) -> bool:
    """Tell whether the migration is there."""
    return [entry.state for entry in history] == [RowState.APPLIED]


async def _wait(url: str, released: list[float]) -> None:
    async with engine_for(url).session(RIVAL) as session:
        with pytest.raises(NothingToDo):
            async with session.lock(wait_for(timeout=None, settled=is_applied)):
                pass
    released.append(time.monotonic())


async def _gather(tasks: TaskGroup, url: str, released: list[float]) -> None:
    """Let more wait than there are seats, until every seat is taken."""
    for _ in range(SEATS + VISITORS):
        tasks.start_soon(_wait, url, released)

    async def is_full() -> bool:
        return await ask(url, SEATED) == [(SEATS,)] and await backends(url) == SEATS + HOLDER

    await until(is_full, 20)


async def test_a_crowd_keeps_only_as_many_connections_as_there_are_seats(postgres_url: str) -> None:
    """The others come and look, and all are released by the one COMMIT."""
    released = list[float]()
    async with anyio.create_task_group() as tasks, locked(engine_for(postgres_url)) as session:
        await _gather(tasks, postgres_url, released)
        counts = list[int]()
        for _ in range(20):
            counts.append(await backends(postgres_url))
            await anyio.sleep(0.05)
        assert statistics.median(counts) <= SEATS + HOLDER + VISITORS // 2
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)
        await until(lambda: _are_released(released), 20)
    await until_quiet(postgres_url)


async def _are_released(released: list[float]) -> bool:
    return len(released) == SEATS + VISITORS


async def test_visitors_take_the_seats_that_become_free(postgres_url: str) -> None:
    """When those who sit have given up, the others sit down in their places."""
    given_up = list[str]()
    async with anyio.create_task_group() as tasks, locked(engine_for(postgres_url)):
        for _ in range(SEATS):
            tasks.start_soon(_give_up, postgres_url, given_up)
        await until(lambda: _sit(postgres_url, SEATS), 20)
        for _ in range(VISITORS):
            tasks.start_soon(_wait, postgres_url, [])
        await until(lambda: _have(given_up, SEATS), 20)
        await until(lambda: _sit(postgres_url, VISITORS), 20)
        tasks.cancel_scope.cancel()
    await until_quiet(postgres_url)


async def _give_up(url: str, given_up: list[str]) -> None:
    async with engine_for(url).session(RIVAL) as session:
        with pytest.raises(LockTimeoutError):
            async with session.lock(wait_for(timeout=2)):
                pass
    given_up.append("gone")


async def _sit(url: str, count: int) -> bool:
    return await ask(url, SEATED) == [(count,)]


async def _have(gone: list[str], count: int) -> bool:
    return len(gone) == count


async def test_a_visitor_keeps_to_its_time_out(postgres_url: str) -> None:
    """It does not stay away for longer than it was told to wait."""
    async with (
        asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool,
        locked(engine_for(postgres_url)),
        engine_for(pool).session(RIVAL) as session,
    ):
        began = time.monotonic()
        with pytest.raises(LockTimeoutError):
            async with session.lock(wait_for(timeout=0.5)):
                pass
        waited = time.monotonic() - began
    assert 0.5 <= waited < 5


async def test_a_wait_leaves_the_only_connection_of_a_pool_to_the_application(
    postgres_url: str,
) -> None:
    """The application beside the runner goes on being served."""
    async with (
        asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool,
        anyio.create_task_group() as tasks,
        locked(engine_for(postgres_url)) as session,
    ):
        tasks.start_soon(_wait_with, pool)
        for _ in range(5):
            assert 1 == await pool.fetchval("SELECT 1", timeout=20)
            await anyio.sleep(0.1)
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)


async def _wait_with(pool: object) -> None:
    async with engine_for(pool).session(RIVAL) as session:
        with pytest.raises(NothingToDo):
            async with session.lock(wait_for(timeout=None, settled=is_applied)):
                pass


async def test_one_seat_is_taken_at_a_time(postgres_url: str) -> None:
    """The search for a free seat locks no other one on its way."""
    engine = engine_for(postgres_url)
    assert isinstance(engine, PostgresEngine)
    async with engine.session(RIVAL) as session:
        assert await Seats(7).take(session.wire)
        assert 1 == await locks(postgres_url)
        assert await Seats(7).take(session.wire)  # the same session: its own seat is no obstacle
        assert await Seats(8).take(session.wire)  # another lock has seats of its own
