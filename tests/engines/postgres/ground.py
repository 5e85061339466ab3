"""What the tests of the PostgreSQL engine stand on: engines, and a second look at the server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import anyio
import asyncpg

from asyncmig.engines import open_engine
from asyncmig.engines.settings import EngineSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from asyncmig.engines.base import Engine

OURS = "application_name LIKE 'asyncmig/%' AND datname = current_database()"
LOCKS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def engine_for(database: object, **settings: Any) -> Engine:  # noqa: ANN401 - as EngineSettings
    """Return an engine for a URL, a pool or a connection."""
    return open_engine(database, EngineSettings(**settings))


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncGenerator[Any]:  # noqa: ANN401 - asyncpg's
    """Yield a connection of an application."""
    connection = await asyncpg.connect(url, **options)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own, and return the rows as tuples."""
    async with connected(url, statement_cache_size=0) as connection:
        return [tuple(row) for row in await connection.fetch(statement)]


async def do(url: str, script: str) -> None:
    """Run several statements on a connection of their own."""
    async with connected(url) as connection:
        await connection.execute(script)


async def backends(url: str) -> int:
    """Count the sessions of ours that the server has for this database."""
    ((count,),) = await ask(url, f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}")
    return int(count)


async def locks(url: str) -> int:
    """Count the advisory locks of this database, held and waited for."""
    ((count,),) = await ask(url, LOCKS)
    return int(count)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    with anyio.fail_after(seconds):
        while not await condition():  # noqa: ASYNC110 - the server sends no events
            await anyio.sleep(0.02)


async def until_quiet(url: str, seconds: float = 5.0) -> None:
    """Wait until no session and no lock of ours is left."""

    async def is_quiet() -> bool:
        return (await backends(url), await locks(url)) == (0, 0)

    await until(is_quiet, seconds)


def as_role(url: str, role: str, password: str = "") -> str:
    """Return the URL for another role."""
    parts = urlsplit(url)
    login = role + (f":{quote(password)}" if password else "")
    return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()


@asynccontextmanager
async def role(url: str, name: str, options: str = "LOGIN") -> AsyncGenerator[str]:
    """Make a role for as long as the block runs, and yield the URL for it."""
    await do(url, f"CREATE ROLE {name} {options}")
    try:
        yield as_role(url, name)
    finally:
        await do(url, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
