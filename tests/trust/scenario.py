"""A life of a database in which asyncmig says all that it can say, as an ordinary project's."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg

from asyncmig import Direction, Migrator
from asyncmig.errors import IncompleteMigrationError, MigrationFailedError
from tests.engines.postgres.ground import connected
from tests.trust.statements import AUTHOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.migration_folder import MigrationFolder

APPLICATION = "the application"
"""The name of the connections that the application lends."""

FILES = {
    "1_users.sql": f"{AUTHOR} CREATE TABLE public.users (id pg_catalog.int4);",
    "2_seed.sql": f"{AUTHOR} INSERT INTO public.users VALUES (1);\n"
    f"{AUTHOR} INSERT INTO public.users VALUES (2);",
    "3_python.py": "async def up(connection):\n"
    f"    await connection.execute('{AUTHOR} INSERT INTO public.users VALUES (3)')\n",
    "4_index.sql": "-- migrate:up transaction:false\n"
    f"{AUTHOR} CREATE UNIQUE INDEX CONCURRENTLY users_id ON public.users (id);\n"
    f"{AUTHOR} COMMENT ON TABLE public.users IS 'ours';\n"
    "-- migrate:down transaction:false\n"
    f"{AUTHOR} DROP INDEX CONCURRENTLY public.users_id;\n",
    "R__view.sql": f"{AUTHOR} CREATE OR REPLACE VIEW public.ids AS TABLE public.users;",
}
BROKEN = f"{AUTHOR} INSERT INTO public.absent VALUES (1);"
HALF = (
    f"-- migrate:up transaction:false\n{AUTHOR} CREATE TABLE public.half ();\n"
    f"{AUTHOR} CREATE INDEX CONCURRENTLY absent_id ON public.absent (id);\n"
)
AN_INVALID_INDEX = (
    "INSERT INTO public.users VALUES (1)",
    "CREATE UNIQUE INDEX CONCURRENTLY users_id ON public.users (id)",
    "DELETE FROM public.users WHERE id OPERATOR(pg_catalog.=) 1",
)


async def live(url: str, folder: MigrationFolder) -> None:
    """Look, apply, wait, fail, go on, revert, repair and adopt, through every kind of connection.

    Args:
        url: A database with nothing but traps in it. Migrations and tests say only names that are
            qualified.
        folder: An empty folder.
    """
    for name, text in FILES.items():
        folder.write(name, text)

    def migrator(database: object = url, **options: Any) -> Migrator:  # noqa: ANN401 - Migrator's
        return Migrator(database, folder, **{"observer": None, "baseline": "none", **options})

    await migrator().status()
    await migrator().up(to="3")
    await _leave_an_invalid_index(url)
    await asyncio.gather(migrator().up(), migrator().up())
    await migrator().plan(Direction.DOWN)
    await _fail(migrator, folder)
    await migrator().down(to="3")
    await _lend(url, migrator)
    await migrator(table="adopted").baseline("latest")


async def _leave_an_invalid_index(url: str) -> None:
    async with connected(url) as connection:
        for statement in AN_INVALID_INDEX:
            with contextlib.suppress(asyncpg.UniqueViolationError):
                await connection.execute(statement)


async def _fail(migrator: Callable[..., Migrator], folder: MigrationFolder) -> None:
    """Fail in a transaction, then without one, and go on with what was left in the middle."""
    folder.write("5_broken.sql", BROKEN)
    with contextlib.suppress(MigrationFailedError):
        await migrator().up()
    folder.write("5_broken.sql", HALF)
    with contextlib.suppress(MigrationFailedError, IncompleteMigrationError):
        await migrator().up()
    with contextlib.suppress(MigrationFailedError, IncompleteMigrationError):
        await migrator().up()
    await migrator().repair(forget="5")
    folder.remove("5_broken.sql")


async def _lend(url: str, migrator: Callable[..., Migrator]) -> None:
    """Run on a connection and on a pool of the application, forth and back."""
    options: Any = {"server_settings": {"application_name": APPLICATION}}
    async with connected(url, **options) as connection:
        await connection.execute(f"{AUTHOR} SET work_mem = '5MB'; CREATE TEMP TABLE mine ()")
        await migrator(connection).up()
        await migrator(connection).down(to="3")
    async with asyncpg.create_pool(url, min_size=1, max_size=2, **options) as pool:
        await migrator(pool).up()
