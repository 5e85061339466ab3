"""An index is built concurrently while others wait for the lock.

Whoever waits inside a statement of the server has a snapshot. CREATE INDEX CONCURRENTLY waits for
that snapshot to go, and the one who has it waits for the lock of the one who builds: PostgreSQL
calls it a deadlock after `deadlock_timeout`, kills either, and leaves an invalid index
(golang-migrate #960, flyway #1654).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.concurrency.evidence import history, left
from tests.concurrency.folders import gate_migration
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Ended, Order, run
from tests.database import ask
from tests.engines.postgres.ground import connected, do, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

DEADLOCK_SECONDS = 0.1
TABLE = "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\n"
INDEX = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n"
BUILDING = "SELECT 1 FROM pg_stat_progress_create_index WHERE datname = current_database()"
VALID = "SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = 'users_id'::regclass"
HOLDER, OLDER, YOUNGER = 0, [1, 2, 3], [4, 5, 6]


@pytest.fixture
async def url(postgres_url: str) -> str:
    """Return the URL of a database that looks for deadlocks ten times as often as usual."""
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f"ALTER DATABASE {name} SET deadlock_timeout = '{DEADLOCK_SECONDS}s'")
    return postgres_url


async def test_an_index_is_built_while_others_wait(
    url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """With those who waited long before the build began, and those who come in the middle of it.

    An application's transaction holds the build up, so that all wait for longer than
    `deadlock_timeout`.
    """
    gate, journal = tmp_path / "gate", Journal()
    migration_folder.write("001_users.sql", TABLE)
    migration_folder.write("002_gate.py", gate_migration(gate))
    migration_folder.write("003_index.sql", INDEX)
    ended: dict[int, Ended] = {}

    async def runner(number: int) -> None:
        ended[number] = await run(number, Order(url, migration_folder), journal)

    async def is_building() -> bool:
        return await ask(url, BUILDING) != []

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runner, HOLDER)
        await journal.until_begun("002")
        for number in OLDER:
            tasks.start_soon(runner, number)
        await journal.until_waiting(len(OLDER))
        await anyio.sleep(3 * DEADLOCK_SECONDS)
        async with connected(url) as application, application.transaction():
            await application.execute("INSERT INTO users VALUES (2)")
            await anyio.Path(gate).touch()
            await until(is_building)
            for number in YOUNGER:
                tasks.start_soon(runner, number)
            await journal.until_waiting(len(OLDER + YOUNGER))
            await anyio.sleep(3 * DEADLOCK_SECONDS)

    nobody_else = [Ended(0, ())] * len(OLDER + YOUNGER)
    assert [Ended(0, ("001", "002", "003")), *nobody_else] == [
        ended[number] for number in (HOLDER, *OLDER, *YOUNGER)
    ]
    assert ([(True, True)], 1) == (await ask(url, VALID), journal.tries("003"))
    expected = [("001", "applied"), ("002", "applied"), ("003", "applied")]
    assert (expected, 0) == (await history(url), await left(url))
