"""What the stories are told with: a runner, a runner that is killed, and what it leaves."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from asyncmig import Migrator
from asyncmig.history import RowState
from tests.commands import asyncmig_command, clean_environment
from tests.engines.postgres.ground import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

GATE = """\
import asyncio
import pathlib

async def up(connection):
    await connection.execute("CREATE TABLE {table} (id integer)")
    begun = pathlib.Path(r"{begun}")
    await asyncio.to_thread(begun.touch)
    while await asyncio.to_thread(begun.exists):
        await asyncio.sleep(0.01)
"""


def quiet(database: object, source: MigrationFolder, **options: Any) -> Migrator:  # noqa: ANN401 - those of Migrator
    """Return a migrator that logs nothing."""
    return Migrator(database, source, **{"observer": None, **options})


async def applied(database: object, source: MigrationFolder) -> list[str]:
    """Return what the history calls applied."""
    history = await quiet(database, source).history()
    return [entry.key for entry in history if entry.state is RowState.APPLIED]


def gated(folder: MigrationFolder, name: str, table: str) -> Path:
    """Write a migration that makes a file when it has begun, and ends when that is gone."""
    begun = folder.path.parent / f"{name}.begun"
    folder.write(name, GATE.format(table=table, begun=begun))
    return begun


async def until_exists(path: Path) -> None:
    """Wait for a file."""

    async def exists() -> bool:
        return await asyncio.to_thread(path.exists)

    await until(exists, 20)


@asynccontextmanager
async def killed_in_the_middle(
    url: str, folder: MigrationFolder, begun: Callable[[], Any]
) -> AsyncGenerator[None]:
    """Run the block after a runner, a process of its own, was killed in the middle of its work."""
    home = folder.path.parent
    process = await asyncio.create_subprocess_exec(
        *asyncmig_command("up", "-q", "--database", url, "--source", str(folder.path)),
        env=clean_environment(home),
        cwd=home,
    )
    try:
        await until(begun, 20)
    finally:
        process.kill()
        await process.wait()
    yield


def versions_of(events: list[Event], kind: type[Any]) -> list[str]:
    """Return the versions that events of a kind tell of."""
    return [event.version for event in events if isinstance(event, kind)]
