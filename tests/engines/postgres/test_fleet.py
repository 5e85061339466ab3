"""The pods beside the one that migrates: ready without a right to write, waiting without a lock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from asyncmig import Migrator
from asyncmig.cli.output.exit_codes import ExitCode, exit_code_of
from asyncmig.errors import ReadOnlyDatabaseError
from tests.engines.postgres.ground import do, locks, role
from tests.servers.machine import free_port
from tests.servers.proxy import Way
from tests.servers.standby import MovingAddress

if TYPE_CHECKING:
    from tests.commands import RunAsyncmig
    from tests.migration_folder import MigrationFolder

PODS = 6
READER = "GRANT SELECT ON asyncmig_history TO reader"
CAREFUL = "GRANT ALL ON asyncmig_history TO reader; GRANT ALL ON SCHEMA public TO reader; "
ROLES = {
    "may only SELECT": (
        READER,
        'this role may not write the history table "public"."asyncmig_history"',
        'GRANT SELECT, INSERT, UPDATE ON "public"."asyncmig_history" to the role that migrates',
    ),
    "default_transaction_read_only": (
        CAREFUL + "ALTER ROLE reader SET default_transaction_read_only = on",
        "the database is read-only for this role (default_transaction_read_only)",
        "migrate with a role that may write",
    ),
}


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with one migration."""
    migration_folder.write("1_users.sql", "CREATE TABLE users (id integer PRIMARY KEY);")
    return migration_folder


def pod(url: str, shop: MigrationFolder, patience: float = 20.0) -> Migrator:
    """Return what one of the pods has."""
    return Migrator(url, shop, observer=None, connect_timeout=patience)


@pytest.mark.parametrize("rights", ROLES)
async def test_a_role_that_may_not_write_is_ready_or_told_what_is_pending(
    postgres_url: str, shop: MigrationFolder, rights: str
) -> None:
    """Promise 4, and exit 7 with a sentence and a remedy; nothing is left locked."""
    given, sentence, hint = ROLES[rights]
    await pod(postgres_url, shop).up()
    async with role(postgres_url, "reader") as url:
        await do(postgres_url, given)
        reader = pod(url, shop)
        assert ((), True) == ((await reader.up()).entries, reader.ready)
        assert () == (await reader.wait_until_current(10)).pending
        shop.write("2_orders.sql", "CREATE TABLE orders ();")
        with pytest.raises(ReadOnlyDatabaseError) as caught:
            await reader.up()
    error = caught.value
    assert (f"1 migration to run, but {sentence}", hint) == (error.message, error.hint)
    assert (("2",), ExitCode.READ_ONLY) == (error.pending, exit_code_of(error))
    assert 0 == await locks(postgres_url)


async def test_the_pods_of_a_fleet_wait_for_the_one_that_migrates(
    postgres_url: str, shop: MigrationFolder, python_m_asyncmig: RunAsyncmig
) -> None:
    """While the server is not up, nor the history there, and across a connection that is lost."""
    nowhere = urlsplit(postgres_url)._replace(netloc=f"postgres@127.0.0.1:{free_port()}").geturl()
    async with MovingAddress(nowhere) as address:
        words = ("wait", "--timeout", "40s", "--database", address.url, "--source", str(shop.path))
        command = asyncio.create_task(asyncio.to_thread(python_m_asyncmig, *words))
        pods = [pod(address.url, shop, patience=0.1) for _ in range(PODS)]
        waiting = [asyncio.create_task(each.wait_until_current(40)) for each in pods]
        await address.visited(2 * PODS)
        address.point_to(postgres_url)
        await address.visited(2 * PODS)
        address.cut_on(b"asyncmig_history", way=Way.TO_SERVER)
        await address.visited(2 * PODS)
        assert [] == [each for each in (command, *waiting) if each.done()]
        await pod(postgres_url, shop).up()
        reports = [await each for each in waiting]
        finished = await command
    assert [()] * PODS == [report.pending for report in reports]
    assert [True] * PODS == [each.ready for each in pods]
    assert (0, "") == (finished.exit_code, finished.stderr)
    assert "is at 1, nothing pending\n" in finished.stdout
