"""Looking whether anything is to be done: what is asked, and where it takes a closer look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.glance import InForce
from asyncmig.migration import Version
from tests.engines.lab import RUNNER, run, sql
from tests.engines.postgres.ground import as_role, connected, do, engine_for, role
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine

USERS = sql("1", "CREATE TABLE users ()")


async def glance(engine: Engine) -> InForce | None:
    """Visit the database for a glance."""
    async with engine.session(RUNNER) as session:
        return await session.glance()


@pytest.mark.parametrize("options", ["LOGIN", "LOGIN SUPERUSER"])
async def test_a_glance_takes_one_round_trip(postgres_url: str, options: str) -> None:
    """Also for a superuser, where the history belongs to the owner of the database."""
    (entry,) = await run(engine_for(postgres_url), USERS)
    async with role(postgres_url, "reader", options) as url, Proxy(url) as proxy:
        await do(postgres_url, "GRANT SELECT ON asyncmig_history TO reader")
        async with connected(proxy.url):
            login = proxy.round_trips
        proxy.round_trips = 0

        expected = InForce({1: entry.checksum}, Version("1"), baseline=-1, has_reversal=False)
        assert expected == await glance(engine_for(proxy.url))
        assert login + 1 == proxy.round_trips


async def test_a_superuser_reads_what_belongs_to_another_one(postgres_url: str) -> None:
    """It takes longer to find out, and is as good."""
    async with role(postgres_url, "root", "LOGIN SUPERUSER") as url:
        await run(engine_for(url), USERS)
        await do(url, "CREATE ROLE other LOGIN SUPERUSER")
        found = await glance(engine_for(as_role(postgres_url, "other")))
        await do(url, "DROP ROLE other")
        assert found is not None
        assert Version("1") == found.newest


async def test_a_lent_connection_gives_a_glance(postgres_url: str) -> None:
    """Who its owner has been in the meantime is not told, so the table's owner is asked for."""
    await run(engine_for(postgres_url), USERS)
    async with connected(postgres_url) as connection:
        found = await glance(engine_for(connection))
        assert found is not None
        assert [1] == list(found.checksums)


async def test_without_a_history_there_is_nothing_to_see(postgres_url: str) -> None:
    """Nor is one made."""
    assert await glance(engine_for(postgres_url)) is None
    assert await glance(engine_for(postgres_url)) is None


async def test_a_history_behind_a_view_takes_a_closer_look(postgres_url: str) -> None:
    """COPY reads tables only; a query reads a view as well."""
    (entry,) = await run(engine_for(postgres_url), USERS)
    await do(
        postgres_url,
        "ALTER TABLE asyncmig_history RENAME TO kept; "
        "CREATE VIEW asyncmig_history AS SELECT * FROM kept",
    )
    assert await glance(engine_for(postgres_url)) is None
    async with engine_for(postgres_url).session(RUNNER) as session:
        assert (entry,) == (await session.history()).entries
