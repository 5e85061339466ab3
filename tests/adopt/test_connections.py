"""Taking over through what an application has already, and through a pooler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiosqlite
import asyncpg
import pytest

from asyncmig import Migrator
from tests.adopt.tables import GOOSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adopt.conftest import MakeSite

GOOSE_LOCK = 4097083626


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_is_lent_comes_back_clean(
    make_site: MakeSite, postgres_url: str
) -> None:
    """No lock of ours or of the other tool stays on it, and no transaction."""
    site = await make_site(GOOSE)
    connection = await asyncpg.connect(postgres_url)
    try:
        report = await Migrator(connection, site.folder, observer=None).adopt()
        held = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        )
        assert (2, 0, False) == (report.adopted, held, connection.is_in_transaction())
    finally:
        await connection.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_lent_connection_of_sqlite_serves_too(make_site: MakeSite, sqlite_url: str) -> None:
    """It is open afterwards, and outside of a transaction."""
    site = await make_site(GOOSE)
    async with aiosqlite.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        report = await Migrator(connection, site.folder, observer=None).adopt()
        assert (2, False) == (report.adopted, connection.in_transaction)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_it_works_behind_a_pooler(make_site: MakeSite, pgbouncer: Callable[..., str]) -> None:
    """The locks are those of one transaction, so no session of the pooler's keeps them."""
    site = await make_site(GOOSE)
    report = await Migrator(pgbouncer(), site.folder, observer=None).adopt()
    await site.migrator().up()

    assert 2 == report.adopted
    assert {"1": "applied", "2": "applied", "3": "applied"} == await site.states()
