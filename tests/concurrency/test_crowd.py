"""More runners than the server has connections: all of them end well, and leave room for others.

How many connections and queries a crowd takes is measured by `python -m tests.concurrency
--waiting 100`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import asyncpg
import pytest

from tests.concurrency.evidence import everything_once, evidence
from tests.concurrency.folders import herd_folder
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Ended, Form, Order, held_up, start
from tests.database import ask
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

CONNECTIONS = 30
WAITERS = 40
LOOKS = 5


@pytest.fixture
def small_url(postgres_server: str) -> Generator[str]:
    """Yield an empty database on a server that has few connections."""
    del postgres_server  # a machine without PostgreSQL skips there
    with (
        postgres(max_connections=str(CONNECTIONS)) as server,
        fresh_database(server, "small") as url,
    ):
        yield url


async def serve(url: str) -> None:
    """Be an application that needs a connection; those who come and look may have it first."""
    with anyio.fail_after(10):
        while True:
            with suppress(asyncpg.TooManyConnectionsError):
                assert [(1,)] == await ask(url, "SELECT 1")
                return
            await anyio.sleep(0.02)


async def test_a_crowd_leaves_room_for_the_application(
    small_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """While forty wait on a server of thirty connections, there is one for an application."""
    gate, holder, journal = tmp_path / "gate", Journal(), Journal()
    keys = herd_folder(migration_folder, small_url, size=4, gate=gate)
    order = Order(small_url, migration_folder)
    ended: list[Ended] = []

    async def wait() -> None:
        ended.extend(await start(Form.TASKS, [order] * WAITERS, journal))

    async with anyio.create_task_group() as tasks, held_up(gate, order, holder, keys[-2]):
        tasks.start_soon(wait)
        await journal.until_waiting(WAITERS)
        for _ in range(LOOKS):
            await serve(small_url)

    assert [Ended(0, ())] * WAITERS == ended
    assert everything_once(keys) == await evidence(small_url)
