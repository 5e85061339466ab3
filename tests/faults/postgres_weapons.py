"""What a fault is carried out with, apart from the connection: the runner, its backend, a lock."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.engines.postgres.ground import connected, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM members; "
    "SELECT count(*) FROM visits"
)
_WAITS = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
_WORKS = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'"
_SECONDS = 10.0


class Weapons:
    """What a strike is carried out with.

    Attributes:
        on_runner: Kills the runner, or cancels its task, or lets another one run.

    Args:
        url: The database of the trial.
        side: A connection to the server that nobody else uses meanwhile.
    """

    on_runner: Callable[[], Awaitable[None]]

    def __init__(self, url: str, side: Any) -> None:  # noqa: ANN401 - asyncpg's
        self._url = url
        self._side = side
        self._reader = AsyncExitStack()
        self._held_up = 0

    async def end_backend(self, backend: int) -> None:
        """Tell the server's process with that id to end."""
        await self._side.execute(f"SELECT pg_terminate_backend({backend})")

    async def hold_up(self) -> None:
        """Read in a transaction that stays open: what is done concurrently waits for its end."""
        reader = await self._reader.enter_async_context(connected(self._url))
        await reader.execute(_READ)

    async def until_held_up(self, backend: int) -> None:
        """Return when the server's process with that id waits so."""
        self._held_up = backend

        async def waits() -> bool:
            return bool(await self._side.fetchval(_WAITS, backend))

        await until(waits, _SECONDS)

    async def let_go(self) -> None:
        """End the transaction when that process is no longer in the middle of its statement."""

        async def is_idle() -> bool:
            return not await self._side.fetchval(_WORKS, self._held_up)

        try:
            if self._held_up:
                await until(is_idle, _SECONDS)
        finally:
            await self._reader.aclose()


@asynccontextmanager
async def arsenal(url: str, side: Any) -> AsyncGenerator[Weapons]:  # noqa: ANN401 - asyncpg's
    """Have weapons inside the block."""
    weapons = Weapons(url, side)
    try:
        yield weapons
    finally:
        await weapons.let_go()
