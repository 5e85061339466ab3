"""A history that somebody else made would run that somebody's code with a superuser's rights."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from anyio import to_thread

from asyncmig import Migrator
from asyncmig.errors import AsyncmigError, DatabaseAccessError
from tests.engines.postgres.ground import as_role, ask, connected, do, role
from tests.trust.hostile import MALLORY
from tests.trust.statements import log_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.commands import Finished, RunAsyncmig
    from tests.migration_folder import MigrationFolder

USERS = "-- migrate:up\nCREATE TABLE public.users ();\n-- migrate:down\nDROP TABLE public.users;\n"
TRAP = """
CREATE SEQUENCE public.sprung;
CREATE FUNCTION public.spring() RETURNS bigint LANGUAGE sql
    AS $$ SELECT pg_catalog.nextval('public.sprung') $$;
CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM public.spring(); RETURN NEW; END $$;
"""
AS_A_VIEW = """
ALTER TABLE public.asyncmig_history RENAME TO hidden;
CREATE VIEW public.asyncmig_history AS SELECT public.spring() AS spring, h.* FROM public.hidden h;
"""
AS_A_TABLE = """
CREATE TRIGGER fire BEFORE INSERT OR UPDATE ON public.asyncmig_history
    FOR EACH ROW EXECUTE FUNCTION public.fire();
CREATE POLICY spring ON public.asyncmig_history USING (public.spring() > 0);
"""
REFUSED = (
    'the history table "public"."asyncmig_history" belongs to mallory, whose code a superuser '
    "would run by using it"
)


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with one migration."""
    migration_folder.write("1_users.sql", USERS)
    return migration_folder


@asynccontextmanager
async def mallory(url: str) -> AsyncGenerator[str]:
    """Let an unprivileged role create in ``public``, as everybody may before release 15."""
    await do(url, f"CREATE ROLE {MALLORY} LOGIN; GRANT CREATE ON SCHEMA public TO {MALLORY}")
    try:
        yield as_role(url, MALLORY)
    finally:
        name = urlsplit(url).path[1:]
        await do(
            url,
            f'ALTER DATABASE "{name}" OWNER TO postgres; DROP OWNED BY {MALLORY} CASCADE; '
            f"DROP ROLE {MALLORY}",
        )


@asynccontextmanager
async def squatted(url: str, shop: MigrationFolder, trap: str) -> AsyncGenerator[str]:
    """Let mallory be the first to make the history table, with a trap in it."""
    async with mallory(url) as hers:
        await Migrator(hers, shop, observer=None).up()
        await do(hers, TRAP + trap)
        yield hers
        assert [(False,)] == await ask(url, "SELECT is_called FROM public.sprung")


@pytest.mark.parametrize("trap", [AS_A_VIEW, AS_A_TABLE])
async def test_a_superuser_does_not_touch_a_strangers_history(
    postgres_url: str, shop: MigrationFolder, trap: str
) -> None:
    """Neither to read it nor to write it, whatever it is that stands there."""
    async with squatted(postgres_url, shop, trap):
        migrator = Migrator(postgres_url, shop, observer=None)
        for call in (migrator.status, migrator.up, migrator.down, migrator.require_current):
            with pytest.raises(DatabaseAccessError) as caught:
                await call()
            assert REFUSED == caught.value.message
        async with connected(postgres_url) as connection:
            await connection.execute("SET ROLE pg_monitor")
            with pytest.raises(AsyncmigError, match="belongs to mallory"):
                await Migrator(connection, shop, observer=None).status()


async def test_the_refusal_says_what_to_do(
    postgres_url: str, shop: MigrationFolder, python_m_asyncmig: RunAsyncmig
) -> None:
    """Exit 5: the database does not let us in as far as we would need."""
    async with squatted(postgres_url, shop, AS_A_TABLE):
        words = ("status", "--database", postgres_url, "--source", str(shop.path))
        finished = await to_thread.run_sync(lambda: python_m_asyncmig(*words))
    assert 5 == finished.exit_code
    assert f"error: {REFUSED}\nhint: migrate as mallory; or look at the table" in finished.stderr


async def test_a_script_stops_a_superuser_in_front_of_a_strangers_history(
    postgres_url: str, shop: MigrationFolder, psql: Callable[[str, str], Finished]
) -> None:
    """The plan was made before the table was: the script looks again, and touches nothing."""
    report = await Migrator(postgres_url, shop, observer=None).plan(script=True)
    async with squatted(postgres_url, shop, AS_A_TABLE) as hers:
        await Migrator(hers, shop, observer=None).down()
        await do(hers, "SELECT setval('public.sprung', 1, false)")
        finished = await to_thread.run_sync(psql, postgres_url, report.script)
    assert 3 == finished.exit_code
    assert "belongs to somebody whom a superuser must not trust" in finished.stderr


async def test_a_table_that_appears_between_two_looks_is_not_read(
    recording_url: str, shop: MigrationFolder
) -> None:
    """What was not there when its owner was asked for is not there: else there would be a race."""
    log = await log_of(recording_url)
    since = await log.size()
    await Migrator(recording_url, shop, observer=None).status()
    await log.size()
    sent = log.statements(since, "asyncmig/")
    assert [] == [statement for statement in sent if 'FROM "public"' in statement]


async def test_the_owner_of_the_database_is_trusted(
    postgres_url: str, shop: MigrationFolder
) -> None:
    """Who owns the database makes it, and a superuser may look at it."""
    name = urlsplit(postgres_url).path[1:]
    async with mallory(postgres_url) as hers:
        await do(postgres_url, f'ALTER DATABASE "{name}" OWNER TO {MALLORY}')
        await Migrator(hers, shop, observer=None).up()
        report = await Migrator(postgres_url, shop, observer=None).up()
    assert ((), 0) == (report.entries, report.pending)


async def test_others_read_a_history_that_is_not_theirs(
    postgres_url: str, shop: MigrationFolder
) -> None:
    """An application that may only SELECT is ready when another role has migrated."""
    async with mallory(postgres_url) as hers:
        await Migrator(hers, shop, observer=None).up()
        async with role(postgres_url, "web") as url:
            await do(hers, "GRANT SELECT ON asyncmig_history TO web")
            assert () == (await Migrator(url, shop, observer=None).up()).entries
