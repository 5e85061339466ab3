"""Stories 1 to 3: an index is built concurrently, and something is in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.database import ask
from tests.engines.postgres.ground import connected, do
from tests.stories.runs import applied, quiet

if TYPE_CHECKING:
    from tests.migration_folder import MigrationFolder

TABLE = "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\n"
INDEX = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n"
VALID = (
    "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'users'::regclass"
)


async def test_our_own_connections_do_not_hold_up_an_index_build(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 2: what asyncmig has open beside the build is idle, and outside of transactions.

    Other runners wait for the lock and visitors read the history, again and again, meanwhile.
    """
    migration_folder.write("001_users.sql", TABLE)
    migration_folder.write("002_index.sql", INDEX)
    migrators = [quiet(postgres_url, migration_folder) for _ in range(3)]

    async def visit() -> None:
        while True:
            await quiet(postgres_url, migration_folder).status()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as visitors:
            for _ in range(2):
                visitors.start_soon(visit)
            async with anyio.create_task_group() as runners:
                for migrator in migrators:
                    runners.start_soon(migrator.up)
            visitors.cancel_scope.cancel()

    assert [("users_id", True)] == await ask(postgres_url, VALID)
    assert ["001", "002"] == await applied(postgres_url, migration_folder)


async def test_a_retry_does_not_call_an_invalid_index_a_success(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 3: `IF NOT EXISTS` finds the leftover of a build that failed, and is content."""
    await do(postgres_url, "CREATE TABLE users (id integer); INSERT INTO users VALUES (1), (1);")
    build = "CREATE UNIQUE INDEX CONCURRENTLY {} users_id ON users (id)"
    async with connected(postgres_url) as connection:
        with anyio.move_on_after(10):
            assert await _fails(connection, build.format(""))
        await connection.execute("DELETE FROM users")
    assert [("users_id", False)] == await ask(postgres_url, VALID)

    script = build.format("IF NOT EXISTS")
    migration_folder.write("001_index.sql", f"-- migrate:up transaction:false\n{script};\n")
    await quiet(postgres_url, migration_folder, baseline="none").up()

    assert [("users_id", True)] == await ask(postgres_url, VALID)


async def _fails(connection: object, statement: str) -> bool:
    try:
        await connection.execute(statement)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - of the driver
        return "duplicate" in str(error) or "unique" in str(error)
    return False
