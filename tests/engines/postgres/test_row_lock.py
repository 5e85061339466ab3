"""Servers without advisory locks: rows of a table keep runners apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import (
    DirectConnectionRequiredError,
    LockTimeoutError,
    ReadOnlyDatabaseError,
)
from asyncmig.history import Generation, History, RowState
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
from tests.engines.postgres.ground import ask, backends, connected, do, engine_for, role, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import Engine

USERS = sql("1", "CREATE TABLE users (id integer); INSERT INTO users VALUES (1);")
INDEX = sql("2", "CREATE INDEX CONCURRENTLY users_id ON users (id);", transaction=False)
HOLDING = (
    "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' "
    "AND datname = current_database() AND application_name LIKE 'asyncmig/%'"
)


@pytest.fixture
async def bare_url(postgres_url: str) -> AsyncGenerator[str]:
    """Yield the URL of a database whose owner may not call the functions of advisory locks."""
    database = postgres_url.partition("?")[0].rpartition("/")[2]
    name = f"owner_of_{database}"
    async with role(postgres_url, name) as url:
        await do(
            postgres_url,
            "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint), "
            "pg_catalog.pg_try_advisory_xact_lock(bigint) FROM PUBLIC; "
            f"GRANT ALL ON SCHEMA public TO {name}",
        )
        yield url


async def _fail_to_lock(engine: Engine, **wait: Any) -> str:  # noqa: ANN401 - as wait_for
    async with engine.session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError) as caught:
            async with rival.lock(wait_for(timeout=0.2, **wait)):
                pass
    return caught.value.holder


async def test_eight_runners_apply_each_migration_once(bare_url: str) -> None:
    """From an empty database, where the rows have to be made first."""
    migrations = [
        sql(str(number), f"CREATE TABLE t{number} (); INSERT INTO done VALUES ({number});")
        for number in range(1, 9)
    ]
    await do(bare_url, "CREATE TABLE done (id integer)")

    async def runner() -> None:
        await run(engine_for(bare_url), *migrations)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(runner)
    done = await ask(bare_url, "SELECT id FROM done ORDER BY id")
    assert [(number,) for number in range(1, 9)] == done


async def test_the_holder_is_named(bare_url: str) -> None:
    """By what it has written beside the row, since when too."""
    seen = Seen()
    async with locked(engine_for(bare_url)):
        named = await _fail_to_lock(engine_for(bare_url), seen=seen)
    ((since,),) = await ask(bare_url, "SELECT since FROM asyncmig_history_lock WHERE id = 1")
    (holder,) = seen.holders
    assert holder is not None
    assert ("asyncmig/run-1 (pid 4711 on here)", since) == (holder.description, holder.since)
    assert holder.description == named


async def test_an_index_is_built_concurrently_while_others_wait(bare_url: str) -> None:
    """The connection that holds the row idles in a transaction, and pins no snapshot."""
    await run(engine_for(bare_url), USERS)
    history = await history_of(engine_for(bare_url))
    async with locked(engine_for(bare_url)) as session, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(_fail_to_lock, engine_for(bare_url))
        with anyio.fail_after(20):
            step = first_step(history, USERS, INDEX)
            entry = await session.apply(step, history.generation, Seen().events)
    assert RowState.APPLIED is entry.state
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass"
    assert [(True,)] == await ask(bare_url, valid)


async def test_a_lock_that_was_lost_is_taken_again(bare_url: str) -> None:
    """Without its second connection a runner starts nothing outside a transaction."""
    await run(engine_for(bare_url), USERS)
    history = await history_of(engine_for(bare_url))
    step, seen = first_step(history, USERS, INDEX), Seen()
    async with locked(engine_for(bare_url)) as session:
        assert [(True,)] == await ask(
            bare_url, f"SELECT pg_terminate_backend(pid) FROM ({HOLDING}) holding"
        )
        with pytest.raises(HistoryMovedError):
            await session.apply(step, history.generation, seen.events)
        assert 0 == seen.started
        await _fail_to_lock(engine_for(bare_url))
        await session.apply(step, history.generation, seen.events)
    assert 1 == seen.started


async def test_a_taken_fence_runs_nothing(bare_url: str) -> None:
    """Whatever became of the lock of the run, two transactions never overlap."""
    async with (
        engine_for(bare_url).session(RUNNER) as session,
        session.lock(wait_for(timeout=0.3)),
        connected(bare_url) as other,
    ):
        step = first_step(History(), USERS)
        async with other.transaction():
            await other.execute("SELECT 1 FROM asyncmig_history_lock WHERE id = 2 FOR UPDATE")
            with pytest.raises(LockTimeoutError):
                await session.apply(step, Generation(), Seen().events)
            assert not await other.fetchval("SELECT to_regclass('users')")
        await session.apply(step, Generation(), Seen().events)
        assert await other.fetchval("SELECT to_regclass('users')")


async def test_a_dead_runner_leaves_no_lock(bare_url: str) -> None:
    """The rows stay, and mean nothing: a lock row of its own would wait for a person."""
    async with locked(engine_for(bare_url)):
        await ask(
            bare_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'asyncmig/run-1'",
        )
        await run(engine_for(bare_url), USERS, runner=RIVAL)
    rows = await ask(bare_url, "SELECT id FROM asyncmig_history_lock ORDER BY id")
    assert [(1,), (2,)] == rows
    assert [(1,)] == await ask(bare_url, "SELECT id FROM users")


async def test_nothing_is_left_open(bare_url: str) -> None:
    """The second connection is closed with the first."""
    await run(engine_for(bare_url), USERS)

    async def is_quiet() -> bool:
        return await backends(bare_url) == 0

    await until(is_quiet)


async def test_a_lent_connection_takes_turns(bare_url: str) -> None:
    """It is the only one there is: each transaction locks the fence for itself."""
    async with connected(bare_url) as lent:
        await run(engine_for(lent), USERS)
        history = await history_of(engine_for(lent))
        async with locked(engine_for(lent), RUNNER) as session:
            step = first_step(history, USERS, INDEX)
            with pytest.raises(DirectConnectionRequiredError):
                await session.apply(step, history.generation, Seen().events)
    assert [(1,)] == await ask(bare_url, "SELECT id FROM users")


async def test_a_role_that_may_not_make_the_rows_is_told(postgres_url: str) -> None:
    """With the words of the server, and what to grant."""
    database = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(
        postgres_url,
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) FROM PUBLIC; "
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    async with role(postgres_url, f"guest_of_{database}") as url:
        with pytest.raises(ReadOnlyDatabaseError, match="permission denied for schema public"):
            await run(engine_for(url), USERS)
