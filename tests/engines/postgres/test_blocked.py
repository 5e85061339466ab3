"""Locks that are in the way: the whole transaction is rolled back and tried again."""

from __future__ import annotations

import anyio
import pytest

from asyncmig.engines.postgres import patience
from asyncmig.errors import MigrationFailedError
from asyncmig.history import Generation, History
from tests.engines.lab import Seen, first_step, history_of, locked, sql
from tests.engines.postgres.ground import ask, connected, do, engine_for

CHANGE = "CREATE TABLE other ();\nALTER TABLE users ADD COLUMN name text;"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(patience, "_LONGEST_DELAY", 0.1)


@pytest.mark.parametrize("transaction", [True, False])
async def test_a_blocked_migration_is_tried_again(postgres_url: str, transaction: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """It lets go of every lock in between, and succeeds when the way is free."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    engine = engine_for(postgres_url, lock_timeout=0.2)
    seen = Seen()
    async with connected(postgres_url) as application, locked(engine) as session:
        reading = application.transaction()
        await reading.start()
        await application.execute("SELECT count(*) FROM users")
        step = first_step(History(), sql("1", CHANGE, transaction=transaction))
        async with anyio.create_task_group() as tasks:

            async def apply() -> None:
                await session.apply(step, Generation(), seen.events)

            tasks.start_soon(apply)
            while len(seen.retries) < 2:  # noqa: ASYNC110 - an event per retry is told to `seen`
                await anyio.sleep(0.02)
            await reading.rollback()
    assert {"canceling statement due to lock timeout"} == _reasons(seen)
    assert [(2,)] == await ask(
        postgres_url,
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0",
    )


def _reasons(seen: Seen) -> set[str]:
    return {why.rpartition(": ")[2] for why in seen.retries}


async def test_a_migration_that_stays_blocked_gives_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a last try without a time-out; the error says how often, and what to do."""
    monkeypatch.setattr(patience, "_ATTEMPTS", 3)
    await do(postgres_url, "CREATE TABLE users (id int)")
    engine = engine_for(postgres_url, lock_timeout=0.1)
    seen = Seen()
    async with connected(postgres_url) as application, application.transaction():
        await application.execute("SELECT count(*) FROM users")
        async with locked(engine) as session:
            with pytest.raises(MigrationFailedError, match="tried 3 times") as caught:
                await session.apply(
                    first_step(History(), sql("1", CHANGE)), Generation(), seen.events
                )
    assert (2, "55P03", 2) == (len(seen.retries), caught.value.sqlstate, caught.value.line)
    assert "--lock-timeout" in caught.value.hint
    assert [(None,)] == await ask(postgres_url, "SELECT to_regclass('other')::text")
    assert History() == await history_of(engine)
