"""What is special on PostgreSQL about a script that is too long to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from asyncmig.engines.postgres import patience
from asyncmig.history import Generation, History
from asyncmig.migration import LongScript
from asyncmig.sql import Dialect
from tests.engines.lab import Seen, first_step, locked
from tests.engines.long_scripts import TABLE, long, rows
from tests.engines.postgres.ground import ask, connected, do, engine_for
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    import pytest


async def test_each_part_takes_a_round_trip(postgres_url: str) -> None:
    """As many as there are, whatever the number of statements; and BEGIN, the end, COMMIT."""
    await do(postgres_url, TABLE)
    migration = long(Dialect.POSTGRESQL, rows(1, 400).rstrip())
    assert isinstance(migration.up, LongScript)
    parts = len(migration.up.parts)
    async with Proxy(postgres_url) as proxy, locked(engine_for(proxy.url)) as session:
        step = first_step(History(), migration)
        before = proxy.round_trips
        await session.apply(step, Generation(), Seen().events)

        assert parts + 3 == proxy.round_trips - before


async def test_a_blocked_one_begins_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is rolled back, the file is read from its beginning, and nothing comes twice."""
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    await do(postgres_url, f"{TABLE} CREATE TABLE users (id int)")
    engine, seen = engine_for(postgres_url, lock_timeout=0.2), Seen()
    change = "ALTER TABLE users ADD COLUMN name text;\n"
    migration = long(Dialect.POSTGRESQL, f"{rows(1, 200)}{change}{rows(201, 400)}")
    async with connected(postgres_url) as application, locked(engine) as session:
        reading = application.transaction()
        await reading.start()
        await application.execute("SELECT count(*) FROM users")
        async with anyio.create_task_group() as tasks:
            step = first_step(History(), migration)
            tasks.start_soon(session.apply, step, Generation(), seen.events)
            while not seen.retries:  # noqa: ASYNC110 - an event per retry is told to `seen`
                await anyio.sleep(0.02)
            await reading.rollback()

    assert seen.retries
    assert [(400,)] == await ask(postgres_url, "SELECT count(*) FROM seed")
