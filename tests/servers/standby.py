"""A primary and a streaming standby, and what happens to such a pair in production."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import asyncpg

from tests.servers.postgres import guarded, postgres
from tests.servers.proxy import Proxy, Way

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

SECONDS = 20.0  # for what takes a moment, on a machine that stalls


@contextlib.contextmanager
def standby_of(primary: str, **settings: str) -> Generator[str]:
    """Yield the URL of a hot standby of a running server; it is gone afterwards.

    Args:
        primary: The URL of the server that it follows, asynchronously.
        settings: Server settings, such as `hot_standby="off"`, on top of the guard's.

    Raises:
        NotInstalledError: If the machine has no PostgreSQL.
        RuntimeError: If the standby does not start; with its log.
    """
    options = [f"{name}={value}" for name, value in settings.items()]
    with guarded("--standby-of", str(urlsplit(primary).port), *options) as server:
        yield urlsplit(primary)._replace(netloc=urlsplit(server).netloc).geturl()


class Pair:
    """A primary of its own and its standby, either of which a test may stop or promote.

    Attributes:
        primary: The URL of the server that began as the primary.
        standby: The URL of the other one.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._primary = stack.enter_context(contextlib.ExitStack())
        self.primary = self._primary.enter_context(postgres())
        self.standby = stack.enter_context(standby_of(self.primary))

    async def stop_primary(self) -> None:
        """Shut the primary down; what it has sent by then, the standby has received."""
        await anyio.to_thread.run_sync(self._primary.close)

    async def promote(self) -> None:
        """Make the standby a primary, and return when it is one."""
        await _do(self.standby, "SELECT pg_promote()")

    async def cut_off(self) -> None:
        """Let the standby receive nothing more, as asynchronous standbys are found after a crash.

        It catches up first: a test can tell what is lost.
        """
        await caught_up(self.primary, self.standby)
        await _do(self.standby, "ALTER SYSTEM SET primary_conninfo = ''")
        await _do(self.standby, "SELECT pg_reload_conf()")
        await _until(self.standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")


@contextlib.asynccontextmanager
async def replicating() -> AsyncGenerator[Pair]:
    """Yield a pair for one test.

    Raises:
        NotInstalledError: If the machine has no PostgreSQL.
    """
    with contextlib.ExitStack() as stack:
        yield await anyio.to_thread.run_sync(Pair, stack)
        await anyio.to_thread.run_sync(stack.close)


async def caught_up(primary: str, standby: str) -> None:
    """Wait until the standby shows all that the primary has committed so far."""
    connection = await asyncpg.connect(primary)
    try:
        # A mark of our own, flushed: the current position may lie behind a page's header, where
        # nothing comes to be for seconds.
        await connection.execute("SET synchronous_commit = on")
        written = await connection.fetchval("SELECT pg_logical_emit_message(true, '', '')::text")
    finally:
        await connection.close()
    await _until(standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn")


async def pause_replay(standby: str) -> None:
    """Let a standby lag: it receives what the primary writes, and shows nothing of it."""
    await _do(standby, "SELECT pg_wal_replay_pause()")
    await _until(standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")


async def resume_replay(standby: str) -> None:
    """Let a standby catch up."""
    await _do(standby, "SELECT pg_wal_replay_resume()")


class MovingAddress(Proxy):
    """An address that points to another server from one moment to the next, as a failover's DNS."""

    _next: str | None = None

    def point_to(self, url: str) -> None:
        """Send new connections to another server, and break those to the former one."""
        self._target = urlsplit(url)
        self.reset()

    async def visited(self, times: int) -> None:
        """Wait until clients have connected that many times more."""
        goal = self.connections + times
        with anyio.fail_after(SECONDS):
            while self.connections < goal:  # noqa: ASYNC110 - counted elsewhere
                await anyio.sleep(0.01)

    def then_point_to(self, url: str) -> None:
        """Do so when the cut that was asked for with `cut_on()` happens."""
        self._next = url

    def _is_cut(self, seen: bytes, way: Way) -> bool:
        is_cut = super()._is_cut(seen, way)
        if is_cut and self._next is not None:
            self.point_to(self._next)
        return is_cut


async def _do(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _until(server: str, condition: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        with anyio.fail_after(SECONDS):
            while not await connection.fetchval(condition):  # noqa: ASYNC110 - no events for it
                await anyio.sleep(0.02)
    finally:
        await connection.close()
