"""A superuser migrates a database in which somebody else may create objects."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from anyio import to_thread

from asyncmig import Migrator
from tests.engines.postgres.ground import ask, do
from tests.trust.hostile import MALLORY, is_caught, lay_traps
from tests.trust.scenario import FILES, live
from tests.trust.statements import checked_by, loose_names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.commands import Finished
    from tests.migration_folder import MigrationFolder

BAIT = (
    "SELECT 1 FROM public.asyncmig_history WHERE state = 'applied'",
    "SELECT max(id) FROM public.asyncmig_history",
    "SELECT 1 FROM pg_class",
    "SELECT 'x'::text",
)
"""What a careless program would say."""


APPLIED = (
    "SELECT pg_catalog.count(*) FROM public.asyncmig_history "
    "WHERE state OPERATOR(pg_catalog.=) 'applied'"
)


@asynccontextmanager
async def trapped(url: str, schema: str) -> AsyncGenerator[None]:
    """Have a schema full of traps searched before the system's own, in every new session."""
    await lay_traps(url, schema)
    name = urlsplit(url).path[1:]
    await do(url, f'ALTER DATABASE "{name}" SET search_path = {schema}, pg_catalog')
    try:
        yield
    finally:
        await do(url, f"DROP OWNED BY {MALLORY} CASCADE; DROP ROLE {MALLORY}")


@pytest.mark.parametrize("schema", ["evil", "public"])
async def test_nothing_in_front_of_the_system_is_ever_run(
    postgres_url: str, migration_folder: MigrationFolder, schema: str
) -> None:
    """Functions, operators, types, views and a history: mallory waits in vain."""
    async with trapped(postgres_url, schema):
        await live(postgres_url, migration_folder)
        assert not await is_caught(postgres_url, schema)
        assert [(len(FILES),)] == await ask(postgres_url, APPLIED)


async def test_a_script_for_psql_is_as_careful(
    postgres_url: str, migration_folder: MigrationFolder, psql: Callable[[str, str], Finished]
) -> None:
    """A DBA who runs it is a superuser more often than not."""
    for name in ("1_users.sql", "4_index.sql", "R__view.sql"):
        migration_folder.write(name, FILES[name])
    report = await Migrator(postgres_url, migration_folder, observer=None).plan(script=True)
    lines = report.script.splitlines(keepends=True)
    statements = "".join(line for line in lines if not line.startswith("\\"))
    checks = checked_by(statements)
    assert [] == [name for text in (statements, *checks) for name in loose_names(text)]
    assert 3 + 2 * 3 == len(checks), "lock, owner and schema; for each a fence and the history"
    async with trapped(postgres_url, "evil"):
        finished = await to_thread.run_sync(psql, postgres_url, report.script)
        assert (0, "") == (finished.exit_code, finished.stderr)
        assert not await is_caught(postgres_url, "evil")
        assert [(3,)] == await ask(postgres_url, APPLIED)


@pytest.mark.parametrize("bait", BAIT)
async def test_the_traps_work(
    postgres_url: str, migration_folder: MigrationFolder, bait: str
) -> None:
    """Who says a bare name steps into one: else the test above would prove nothing."""
    migration_folder.write("1_users.sql", FILES["1_users.sql"])
    await Migrator(postgres_url, migration_folder, observer=None).up()
    async with trapped(postgres_url, "evil"):
        await do(postgres_url, bait)
        assert await is_caught(postgres_url, "evil")
