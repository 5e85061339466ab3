"""Through PgBouncer: noticed, one transaction at a time, and nothing left to the next client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres import watch
from asyncmig.engines.postgres.desk import Desk
from asyncmig.engines.postgres.table import HistoryTable
from asyncmig.errors import (
    DatabaseAccessError,
    DirectConnectionRequiredError,
    MigrationFailedError,
)
from asyncmig.plan import make_plan
from asyncmig.request import Durability
from tests.engines.lab import (
    LAX,
    RIVAL,
    UP,
    Seen,
    first_step,
    history_of,
    locked,
    python,
    run,
    sql,
)
from tests.engines.postgres.ground import ask, connected, do, engine_for, locks
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Session
    from asyncmig.migration import Migration

    Pooler = Callable[..., str]

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
SEED = sql("2", "SET search_path = public; INSERT INTO users VALUES (1); SELECT pg_sleep(0.05)")
STATE = (
    "SELECT name, setting FROM pg_settings WHERE source = 'session' "
    "AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone')"
)


async def test_a_flush_needs_no_turn(pgbouncer: Pooler, postgres_url: str) -> None:
    """Another runner may be in its own by then: what was done is flushed, and not called lost."""
    url = pgbouncer(PoolMode.TRANSACTION, 2)
    key = HistoryTable("public", "asyncmig_history").lock_key
    async with locked(engine_for(url, durability=Durability.RUN)) as session:
        await carry_out(session, USERS)
        async with connected(postgres_url) as rival:
            await rival.execute(f"SELECT pg_advisory_lock({key})")
            await session.flush()
            await rival.execute(f"SELECT pg_advisory_unlock({key})")
    assert ["1"] == [entry.key for entry in await history_of(engine_for(url))]


async def test_a_flush_does_not_wait_for_who_retires_the_row(
    pgbouncer: Pooler, postgres_url: str
) -> None:
    """What was done is on the disk, whatever is made of it next."""
    url = pgbouncer(PoolMode.TRANSACTION, 2)
    async with locked(engine_for(url, durability=Durability.RUN)) as session:
        await carry_out(session, USERS)
        async with connected(postgres_url) as rival, rival.transaction():
            await rival.execute("UPDATE asyncmig_history SET state = 'superseded'")
            with anyio.fail_after(20):
                await session.flush()


@pytest.mark.parametrize("pool", [1, 2, 20])
async def test_eight_runners_apply_each_migration_once(
    pgbouncer: Pooler, postgres_url: str, pool: int
) -> None:
    """In transaction mode too, however few connections there are."""
    url = pgbouncer(PoolMode.TRANSACTION, pool)
    source = "async with connection.transaction():\n    await connection.execute({!r})"
    nested = python("3", source.format("INSERT INTO users VALUES (2)"))

    async def runner() -> None:
        async with locked(engine_for(url)) as session:
            await carry_out(session, USERS, SEED, nested)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(runner)
    assert [(1,), (2,)] == await ask(postgres_url, "SELECT id FROM users ORDER BY id")
    keys = [entry.key for entry in await history_of(engine_for(url))]
    assert (["1", "2", "3"], 0) == (keys, await locks(postgres_url))


async def test_a_history_that_has_lost_its_end_is_a_move(
    pgbouncer: Pooler, postgres_url: str
) -> None:
    """The next transaction may meet a server that a crash has set back."""
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    await run(engine_for(url), USERS, SEED)
    history = await history_of(engine_for(url))
    step, seen = first_step(history, USERS, SEED, sql("3", "CREATE TABLE t ()")), Seen()
    async with locked(engine_for(url)) as session:
        await do(postgres_url, "DELETE FROM asyncmig_history WHERE id = 2")
        with pytest.raises(HistoryMovedError):
            await session.apply(step, history.generation, seen.events)
    assert 0 == seen.started


async def carry_out(session: Session, *migrations: Migration) -> None:
    """Plan again whenever another runner was faster, as a run does."""
    while True:
        history = await session.history()
        try:
            for step in make_plan(migrations, history, UP, LAX).steps:
                entry = await session.apply(step, history.generation, Seen().events)
                history = history.with_entry(entry, step.edit())
        except HistoryMovedError:
            continue
        return


async def test_nothing_is_left_to_the_next_client(pgbouncer: Pooler) -> None:
    """Neither a setting nor a lock nor a temporary table stays on the shared connection."""
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    leavings = (
        "SET lock_timeout = '17s'; CREATE TEMP TABLE left_over (); SET my.own = 'x'; LISTEN x"
    )
    await run(engine_for(url), USERS, sql("2", leavings))
    async with connected(url, statement_cache_size=0) as client:
        assert [] == await client.fetch(STATE)
        ((temporary, own, listening),) = await client.fetch(
            "SELECT to_regclass('pg_temp.left_over')::text, current_setting('my.own', true), "
            "(SELECT count(*) FROM pg_listening_channels())"
        )
    assert (None, "", 0) == (temporary, own or "", listening)


@pytest.mark.parametrize("mode", [PoolMode.TRANSACTION, PoolMode.SESSION])
async def test_a_migration_without_a_transaction_is_refused(
    pgbouncer: Pooler, postgres_url: str, mode: PoolMode
) -> None:
    """Nothing of it is written; by the server's own address it runs."""
    url = pgbouncer(mode, 2)
    index = sql("2", "CREATE INDEX CONCURRENTLY i ON users (id)", transaction=False)
    with pytest.raises(DirectConnectionRequiredError, match="not safe through") as caught:
        await run(engine_for(url), USERS, index)
    assert ("2", "--direct-url" in caught.value.hint) == (caught.value.version, True)
    assert ["1"] == [entry.key for entry in await history_of(engine_for(url))]
    await run(engine_for(url, direct_url=postgres_url), USERS, index)
    assert ["1", "2"] == [entry.key for entry in await history_of(engine_for(url))]


async def test_session_pooling_works(pgbouncer: Pooler, postgres_url: str) -> None:
    """Two runners in turn; nothing is locked afterwards."""
    url = pgbouncer(PoolMode.SESSION, 2)
    await run(engine_for(url), USERS)
    async with locked(engine_for(url)):
        pass
    assert [] == await run(engine_for(url), USERS, runner=RIVAL)
    assert 0 == await locks(postgres_url)


async def test_statement_pooling_is_refused(pgbouncer: Pooler) -> None:
    """No transaction can be begun there; the history can still be read."""
    url = pgbouncer(PoolMode.STATEMENT, 2)
    assert () == (await history_of(engine_for(url))).entries
    with anyio.fail_after(5), pytest.raises(DatabaseAccessError, match="statement mode"):
        await run(engine_for(url), USERS)


async def test_a_lent_pooled_connection_works(pgbouncer: Pooler, postgres_url: str) -> None:
    """An application behind PgBouncer may lend its own."""
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    async with connected(url, statement_cache_size=0) as connection:
        await run(engine_for(connection), USERS, SEED)
        assert [] == await connection.fetch(STATE)
    assert [(1,)] == await ask(postgres_url, "SELECT id FROM users")


async def test_nobody_looks_on_through_a_pooler(
    pgbouncer: Pooler, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second connection would wait for the first, or take one that the application needs."""
    monkeypatch.setattr(watch, "_FIRST_LOOK", 0.05)
    opened: list[Desk] = []

    async def note(desk: Desk) -> None:
        opened.append(desk)
        raise DatabaseAccessError("not today")

    monkeypatch.setattr(Desk, "open_another", note)
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    await run(engine_for(url), USERS)
    engine = engine_for(url, lock_timeout=0.3, retries=0)
    async with connected(postgres_url) as application, application.transaction():
        await application.execute("SELECT count(*) FROM users")
        with pytest.raises(MigrationFailedError, match="lock timeout") as caught:
            await run(engine, USERS, sql("2", "ALTER TABLE users ADD COLUMN name text"))
    assert ((), []) == (caught.value.blockers, opened)
