"""Where connections come from: a URL, an application's pool, or one connection that it lends."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from asyncmig.engines.locking import pauses
from asyncmig.engines.postgres.connection import (
    DRIVER_ERRORS,
    ConnectionLostError,
    Wire,
    connect,
    is_pool,
)
from asyncmig.engines.postgres.problems import connection_problem, pool_problem, without_frames
from asyncmig.errors import ConnectionInUseError, DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.connection import AsyncpgConnection
    from asyncmig.engines.url import PostgresUrl

Database = Any
"""A parsed URL, an ``asyncpg.Pool`` or an ``asyncpg.Connection``."""

_LONGEST_ATTEMPT = 10.0
"""Seconds for one attempt to connect. The next one resolves the name of the host afresh."""


class Source(Protocol):
    """Something that gives connections."""

    @property
    def gives_several(self) -> bool:
        """Whether it has another connection when one is gone."""
        ...

    @property
    def spares_one(self) -> bool:
        """Whether it has a second connection at the same time, and nobody misses it."""
        ...

    @property
    def server_settings(self) -> Mapping[str, str]:
        """Settings of the server that the URL asks for, to be SET where we may."""
        ...

    @property
    def address(self) -> str:
        """Where the database is, without a password."""
        ...

    async def open(self, runner: Runner) -> Wire:
        """Return a connection that is open and outside a transaction."""
        ...

    async def close(self, wire: Wire) -> None:
        """Close the connection, or hand it back; bounded, also while being cancelled."""
        ...


class UrlSource:
    """Connections of our own."""

    gives_several = True
    spares_one = True

    def __init__(self, url: PostgresUrl, *, patience: float) -> None:
        """Keep the address and for how many seconds to go on trying."""
        self._url = url
        self._patience = patience if url.connect_timeout is None else url.connect_timeout

    @property
    def address(self) -> str:
        """Where the database is, without a password."""
        return self._url.address

    @property
    def server_settings(self) -> Mapping[str, str]:
        """The settings in the URL, but for the name, which every pooler lets through."""
        return {k: v for k, v in self._url.server_settings if k != "application_name"}

    async def open(self, runner: Runner) -> Wire:
        """Connect; go on trying while the database may yet come up.

        Raises:
            DatabaseUnavailableError: It did not come up in time.
            DatabaseAccessError: It answered, and said no.
        """
        deadline = time.monotonic() + self._patience
        for pause in pauses(first=0.05, longest=1.0):
            left = deadline - time.monotonic()
            try:
                raw = await self._connect(runner, min(max(left, 0.1), _LONGEST_ATTEMPT))
            except (*DRIVER_ERRORS, ValueError) as error:
                problem = connection_problem(error, self.address)
                if not isinstance(problem, DatabaseUnavailableError) or left <= pause:
                    raise problem from error
            else:
                _watch(raw)
                return Wire(raw, lent=False)
            await asyncio.sleep(pause)
        raise AssertionError  # pragma: no cover - pauses() never ends

    async def _connect(self, runner: Runner, timeout: float) -> AsyncpgConnection:
        asked = dict(self._url.server_settings).get("application_name")
        name = asked or f"asyncmig/{runner.run_id}"
        return await connect(self._url, timeout=timeout, application_name=name)

    async def close(self, wire: Wire) -> None:
        """Say good-bye; terminate when that is not answered in time."""
        try:
            await wire.finish(wire.raw.close())
        except (*DRIVER_ERRORS, ConnectionLostError):
            wire.terminate()


class PoolSource:
    """Connections of an application's pool."""

    gives_several = True

    def __init__(self, pool: Any, *, patience: float) -> None:  # noqa: ANN401 - asyncpg's
        """Keep the pool and for how many seconds to wait for one of its connections."""
        self._pool = pool
        self._patience = patience
        self.address = "postgresql (the application's pool)"
        self.server_settings: Mapping[str, str] = {}

    @property
    def spares_one(self) -> bool:
        """Whether the application still gets a connection when one more is borrowed."""
        pool = self._pool
        free: int = pool.get_max_size() - pool.get_size() + pool.get_idle_size()
        return free > 1

    async def open(self, runner: Runner) -> Wire:  # noqa: ARG002 - the name is the application's
        """Borrow a connection.

        Raises:
            ConnectionInUseError: The pool is closed, or was never opened.
            DatabaseUnavailableError: None became free, or none could be opened, in time.
        """
        try:
            return Wire(await self._pool.acquire(timeout=self._patience), lent=True)
        except DRIVER_ERRORS as error:
            problem = pool_problem(error, self.address, self._patience)
            raise problem from without_frames(error)

    async def close(self, wire: Wire) -> None:
        """Hand the connection back; terminate it first when it is in doubt."""
        wire.let_go()
        if not wire.is_usable:
            wire.terminate()
        with suppress(*DRIVER_ERRORS, ConnectionLostError):
            await wire.finish(self._pool.release(wire.raw))


class LentSource:
    """One connection that an application lends."""

    gives_several = False
    spares_one = False

    def __init__(self, connection: AsyncpgConnection) -> None:
        """Keep the connection."""
        self._connection = connection
        self.address = "postgresql (the application's connection)"
        self.server_settings: Mapping[str, str] = {}

    async def open(self, runner: Runner) -> Wire:  # noqa: ARG002 - the name is the application's
        """Return the connection.

        Raises:
            ConnectionInUseError: It is closed, or inside a transaction.
        """
        if self._connection.is_closed():
            raise ConnectionInUseError("the connection is closed")
        if self._connection.is_in_transaction():
            raise ConnectionInUseError(
                "the connection is inside a transaction",
                hint="migrations commit by themselves: lend a connection outside a transaction",
            )
        return Wire(self._connection, lent=True)

    async def close(self, wire: Wire) -> None:
        """Leave the connection open: it is not ours."""
        wire.let_go()


def source_of(database: Database, patience: float) -> Source:
    """Return where connections to the database come from.

    Args:
        database: A parsed URL, an ``asyncpg.Pool`` or an ``asyncpg.Connection``.
        patience: Seconds to go on trying.
    """
    if is_pool(database):
        return PoolSource(database, patience=patience)
    if hasattr(database, "is_in_transaction"):
        return LentSource(database)
    return UrlSource(database, patience=patience)


def _watch(raw: AsyncpgConnection) -> None:
    """Let the kernel notice a peer that is gone, within about half a minute.

    asyncpg sets neither keepalives nor TCP_USER_TIMEOUT, and its own time-outs do not cover a
    statement that runs for as long as it likes.
    """
    transport = getattr(raw, "_transport", None)
    sock = None if transport is None else transport.get_extra_info("socket")
    if sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 10),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
