"""The locks of the other tools, which are held while their history is taken over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from asyncmig.adopt.tools import TOOLS
from asyncmig.errors import LockTimeoutError
from asyncmig.events import LockWaiting
from asyncmig.foreign import ForeignTable
from tests.adopt.tables import GOOSE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.events import Event
    from tests.adopt.conftest import MakeSite

GOOSE_LOCK = 4097083626
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
async def goose(postgres_url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Yield a connection on which goose holds its lock."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"SELECT pg_advisory_lock({GOOSE_LOCK})")
    yield connection
    await connection.close()


@ON_POSTGRES
@pytest.mark.usefixtures("goose")
async def test_who_does_not_want_to_wait_is_told_who_holds_the_lock(make_site: MakeSite) -> None:
    """Nothing was written."""
    site = await make_site(GOOSE)
    with pytest.raises(LockTimeoutError, match="held by goose"):
        await site.migrator(wait_timeout=0.1).adopt()

    assert () == await site.migrator().history()


@ON_POSTGRES
async def test_what_the_other_tool_does_meanwhile_is_taken_over_too(
    make_site: MakeSite, goose: asyncpg.Connection
) -> None:
    """It is read again once the lock is free."""
    site = await make_site(GOOSE)
    waiting = asyncio.Event()

    def observe(event: Event) -> None:
        if isinstance(event, LockWaiting):
            waiting.set()

    adopting = asyncio.ensure_future(site.migrator(observer=observe).adopt())
    await waiting.wait()
    await goose.execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true)")
    await goose.execute(f"SELECT pg_advisory_unlock({GOOSE_LOCK})")

    assert ["1", "2", "3"] == [entry.key for entry in (await adopting).entries]


@ON_POSTGRES
async def test_the_lock_is_free_again_afterwards(make_site: MakeSite, postgres_url: str) -> None:
    """It ends with the transaction."""
    site = await make_site(GOOSE)
    await site.adopt()
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT pg_try_advisory_lock($1)", GOOSE_LOCK)
    finally:
        await connection.close()


def test_the_numbers_of_the_locks_are_those_of_the_tools() -> None:
    """As their sources reckon them, for a database called ``shop``."""
    numbers = {}
    for tool in TOOLS:
        schema, _, name = tool.table.rpartition(".")
        numbers[tool.name] = tool.locks(ForeignTable(schema or "public", name, {}, "shop"))

    shop = 2892647586  # CRC-32
    assert {
        "atlas": (2686470616,),
        "flyway": (77433833903597,),
        "golang-migrate": (3689236698, 2101699660),
        "goose": (GOOSE_LOCK,),
        "graphile-migrate": (4727445306447283,),
        "node-pg-migrate": (7241865325823964,),
        "postgres-migrations": (-8525285245963000605,),
        "prisma": (72707369,),
        "rails": (2053462845 * shop,),
        "sqitch": (75474063,),
        "sqlx": (0x3D32AD9E * shop,),
        "tern": (9628173550095224,),
    } == {name: locks for name, locks in numbers.items() if locks}
