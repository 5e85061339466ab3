"""The only module that imports asyncpg: open connections, speak through them, name their errors.

What comes out of here are our own words: a :class:`ServerError` for what the server refused, a
:class:`ConnectionLostError` for a connection that is gone.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import asyncpg

from asyncmig.engines.cleanup import finish
from asyncmig.engines.locking import pauses
from asyncmig.errors import (
    ConnectionInUseError,
    DatabaseAccessError,
    DatabaseUnavailableError,
    DatabaseUrlError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from asyncmig.engines.base import Runner
    from asyncmig.engines.url import PostgresUrl

AsyncpgConnection = Any
"""An ``asyncpg.Connection``, or the stand-in for one that a pool hands out."""

Pool = Any
"""An ``asyncpg.Pool`` of whatever connections and records."""

Database = Any
"""A parsed URL, an ``asyncpg.Pool`` or an ``asyncpg.Connection``."""

_LOST_CLASSES = ("08", "57P01", "57P02", "57P03")
"""SQLSTATEs that end a connection: connection exceptions, and the server shutting down."""

_NOT_NOW = ("53300", "57P01", "57P02", "57P03", "55000", "08")
"""SQLSTATEs that a later attempt to connect may not meet: too many connections, starting up,
shutting down, a standby that is not promoted yet."""

_NO_COMMAND_TIMEOUT = 10_000_000.0
"""Seconds. Given with each of our statements on a connection that an application lends, because
``None`` would mean its own ``command_timeout``."""


class ServerError(Exception):
    """The server refused a statement.

    Attributes:
        message: Its own words.
        sqlstate: The five-character code.
        position: The character of the statement that it points to, from 0; ``None`` if to none.
        hint: Its own advice, or the detail; may be empty.
    """

    def __init__(self, error: asyncpg.PostgresError) -> None:
        """Take over what the driver knows."""
        self.message = str(error.args[0]) if error.args else str(error)
        super().__init__(self.message)
        self.sqlstate = str(error.sqlstate or "")
        position = getattr(error, "position", None)
        self.position = int(position) - 1 if position else None
        facts = (getattr(error, "detail", None), getattr(error, "hint", None))
        self.hint = " ".join(str(fact) for fact in facts if fact)


class ConnectionLostError(Exception):
    """The connection is gone; what the server made of the last statement is not known."""


@contextmanager
def own_words() -> Generator[None]:
    """Turn asyncpg's errors into ours."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if str(error.sqlstate or "").startswith(_LOST_CLASSES):
            raise ConnectionLostError(str(error)) from error
        raise ServerError(error) from error
    except (asyncpg.InterfaceError, OSError) as error:
        raise ConnectionLostError(str(error)) from error


class Wire:
    """One connection, as far as the engine speaks through it.

    Attributes:
        raw: The driver's connection, for Python migrations and the setup hook.
        lent: Whether it belongs to the application, whose settings must come back unchanged.
    """

    def __init__(self, raw: AsyncpgConnection, *, lent: bool) -> None:
        self.raw = raw
        self.lent = lent
        self._timeout = _NO_COMMAND_TIMEOUT if lent else None

    async def execute(self, sql: str) -> None:
        """Send statements in one message of the simple protocol, which leaves no portal open.

        An open portal pins a snapshot, and ``CREATE INDEX CONCURRENTLY`` waits for those.
        """
        with own_words():
            await self.raw.execute(sql, timeout=self._timeout)

    async def fetch(self, sql: str, *arguments: object) -> list[Mapping[str, Any]]:
        """Return the rows of one statement."""
        with own_words():
            rows: list[Mapping[str, Any]] = await self.raw.fetch(
                sql, *arguments, timeout=self._timeout
            )
            return rows

    async def one(self, sql: str, *arguments: object) -> Mapping[str, Any] | None:
        """Return the first row of one statement, ``None`` when there is none."""
        rows = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    def transaction(self) -> Transaction:
        """Return a transaction of isolation READ COMMITTED, whatever the default is.

        A stricter one would not see the history that another runner has just committed.
        """
        return Transaction(self)

    @property
    def startup_pid(self) -> int:
        """The process that answered when the connection was opened: the server's or a pooler's."""
        return int(self.raw.get_server_pid())

    @property
    def is_usable(self) -> bool:
        """Whether the connection is open, and outside a transaction."""
        return not self.raw.is_closed() and not self.raw.is_in_transaction()

    @property
    def is_in_transaction(self) -> bool:
        """Whether the server said so with its last answer."""
        return not self.raw.is_closed() and bool(self.raw.is_in_transaction())


class Transaction:
    """asyncpg's own transaction, so that ``transaction()`` of a migration nests as a savepoint."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._transaction = wire.raw.transaction(isolation="read_committed")

    async def begin(self) -> None:
        """Send BEGIN."""
        with own_words():
            await self._transaction.start()

    async def commit(self) -> None:
        """Send COMMIT, as a message of its own."""
        with own_words():
            await self._transaction.commit()

    async def roll_back(self) -> None:
        """Send ROLLBACK, bounded, also while the task is being cancelled.

        A connection that does not answer is terminated: the server then rolls back by itself.
        """
        if self._wire.raw.is_closed():
            return
        try:
            with own_words():
                await finish(self._transaction.rollback())
        except (ServerError, ConnectionLostError):
            self._wire.raw.terminate()


# --- where connections come from --------------------------------------------------------------


class Source(Protocol):
    """Something that gives connections."""

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
                raw = await self._connect(runner, timeout=max(left, 0.1))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                problem = _connection_problem(error, self.address)
                if not isinstance(problem, DatabaseUnavailableError) or left <= pause:
                    raise problem from error
            else:
                _watch(raw)
                return Wire(raw, lent=False)
            await anyio.sleep(pause)
        raise AssertionError  # pragma: no cover - pauses() never ends

    async def _connect(self, runner: Runner, *, timeout: float) -> AsyncpgConnection:
        url = self._url
        name = dict(url.server_settings).get("application_name", f"asyncmig/{runner.run_id}")
        return await asyncpg.connect(
            url.dsn,
            timeout=timeout,
            statement_cache_size=0,
            server_settings={"application_name": name},
            ssl=True if url.system_certificates else None,
        )

    async def close(self, wire: Wire) -> None:
        """Say good-bye; terminate when that is not answered in time."""
        try:
            await finish(wire.raw.close())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            wire.raw.terminate()


class PoolSource:
    """Connections of an application's pool."""

    def __init__(self, pool: Pool, *, patience: float) -> None:
        """Keep the pool and for how many seconds to wait for one of its connections."""
        self._pool = pool
        self._patience = patience
        self.address = "postgresql (the application's pool)"
        self.server_settings: Mapping[str, str] = {}

    async def open(self, runner: Runner) -> Wire:  # noqa: ARG002 - the name is the application's
        """Borrow a connection.

        Raises:
            DatabaseUnavailableError: None became free, or none could be opened, in time.
        """
        try:
            return Wire(await self._pool.acquire(timeout=self._patience), lent=True)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _connection_problem(error, self.address) from error

    async def close(self, wire: Wire) -> None:
        """Hand the connection back; terminate it first when it is in doubt."""
        if not wire.is_usable:
            wire.raw.terminate()
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await finish(self._pool.release(wire.raw))


class LentSource:
    """One connection that an application lends."""

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


def source_of(database: Database, patience: float) -> Source:
    """Return where connections to the database come from.

    Args:
        database: A parsed URL, an ``asyncpg.Pool`` or an ``asyncpg.Connection``.
        patience: Seconds to go on trying.
    """
    if hasattr(database, "acquire"):
        return PoolSource(database, patience=patience)
    if hasattr(database, "is_in_transaction"):
        return LentSource(database)
    return UrlSource(database, patience=patience)


def _connection_problem(error: BaseException, address: str) -> Exception:
    """Name what went wrong with connecting. Only an unavailable database is worth another try."""
    sqlstate = str(getattr(error, "sqlstate", None) or "")
    words = str(error) or type(error).__name__
    if isinstance(error, asyncpg.PostgresError) and not sqlstate.startswith(_NOT_NOW):
        return _refusal(sqlstate, words, address)
    if isinstance(error, ssl.SSLError) or "SSL upgrade" in words:
        message = f"{address} cannot be reached with TLS as asked for: {words}"
        return DatabaseAccessError(message, hint="check sslmode and the certificates")
    if isinstance(error, PermissionError) and error.filename:
        message = f"a file of the connection's TLS settings cannot be read: {error.filename}"
        return DatabaseAccessError(message, hint="set HOME, or sslmode=disable in the URL")
    if isinstance(error, ValueError | asyncpg.ClientConfigurationError):
        return DatabaseUrlError(f"the database URL cannot be used: {words}")
    if isinstance(error, TimeoutError):
        words = "it did not answer in time"
    hint = "is it running, and is this its address?"
    return DatabaseUnavailableError(f"{address} cannot be reached: {words}", hint=hint)


def _refusal(sqlstate: str, words: str, address: str) -> DatabaseAccessError:
    hints = {
        "28P01": "check the password in the URL or in PGPASSWORD",
        "28000": "check the user, and the server's pg_hba.conf",
        "3D000": "create the database first: asyncmig creates tables, not databases",
    }
    return DatabaseAccessError(f"{address} refused: {words}", hint=hints.get(sqlstate, ""))


def _watch(raw: AsyncpgConnection) -> None:
    """Let the kernel notice a peer that is gone, within about half a minute.

    asyncpg sets neither keepalives nor TCP_USER_TIMEOUT, and its own time-outs do not cover a
    statement that runs for as long as it likes.
    """
    transport = getattr(raw, "_transport", None)
    sock = transport.get_extra_info("socket") if isinstance(transport, asyncio.Transport) else None
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
