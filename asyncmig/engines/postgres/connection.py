"""The only module that imports asyncpg: open connections, speak through them, name their errors.

What comes out of here are our own words: a :class:`ServerError` for what the server refused, a
:class:`ConnectionLostError` for a connection that is gone.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from asyncmig.engines.cleanup import Grace
from asyncmig.engines.postgres.copied import rows_of
from asyncmig.engines.postgres.problems import without_frames
from asyncmig.errors import ConnectionInUseError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.url import PostgresUrl

T = TypeVar("T")

AsyncpgConnection = Any
"""An ``asyncpg.Connection``, or the stand-in for one that a pool hands out."""

DRIVER_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # no host is the primary, what answers is no PostgreSQL
)
"""What asyncpg raises when it means to. A ``TimeoutError`` is an ``OSError``."""

_LOST_CLASSES = ("08", "25P03", "25P04", "57P01", "57P02", "57P03", "57P04", "57P05")
"""SQLSTATEs that end a connection: connection exceptions, the time-outs of idle sessions and of
long transactions, the server shutting down, the database dropped. See PostgreSQL manual,
appendix A."""


_INSIST_EVERY = 0.2
"""Seconds between two requests to cancel one statement."""


class ServerError(Exception):
    """The server refused a statement.

    Attributes:
        message: Its own words.
        sqlstate: The five-character code.
        position: The character of the statement that it points to, from 0; ``None`` if to none.
        hint: Its own advice, the detail, and where inside a function it was; may be empty.
    """

    def __init__(self, error: asyncpg.PostgresError) -> None:
        """Take over what the driver knows."""
        self.message = str(error.args[0]) if error.args else str(error)
        super().__init__(self.message)
        self.sqlstate = str(error.sqlstate or "")
        position = getattr(error, "position", None)
        self.position = int(position) - 1 if position else None
        facts = (getattr(error, name, None) for name in ("detail", "hint", "context"))
        self.hint = " ".join(str(fact) for fact in facts if fact)


class ConnectionLostError(Exception):
    """The connection is gone; what the server made of the last statement is not known."""


class Wire:
    """One connection, as far as the engine speaks through it.

    Attributes:
        raw: The driver's connection, for Python migrations and the setup hook.
        lent: Whether it belongs to the application, whose settings must come back unchanged.
        owner_is_trusted: Whether the history table was seen to belong to somebody to be trusted.
    """

    def __init__(self, raw: AsyncpgConnection, *, lent: bool) -> None:
        self.raw = raw
        self.lent = lent
        self._own = _behind(raw)
        self._grace = Grace()
        self._own_words = _OwnWords(self)
        self.owner_is_trusted = False
        self._config = self._own._config  # noqa: SLF001 - nothing public says it
        self._own._config = self._config._replace(command_timeout=None)  # noqa: SLF001

    def let_go(self) -> None:
        """Give an application its ``command_timeout`` back.

        It is off while we have the connection: a migration takes as long as it takes, and asyncpg
        would apply it to BEGIN and COMMIT too.
        """
        self._own._config = self._config  # noqa: SLF001

    async def finish(self, work: Coroutine[object, object, T]) -> T:
        """Do a step of the clean-up to its end, in the time that all of it has.

        A connection that does not answer in time is terminated: the server then rolls back and
        frees the lock by itself.

        Raises:
            ConnectionLostError: It did not answer in time.
        """
        try:
            return await self._grace.finish(self._insist(work))
        except TimeoutError as error:
            self.terminate()
            raise ConnectionLostError("the connection did not answer in time") from error

    async def see_through(self, work: Coroutine[object, object, T]) -> T:
        """Do a piece of work that must not be left, for as long as this task is not cancelled.

        Raises:
            ConnectionLostError: It was, and the work was not done in time after that.
        """
        try:
            return await self._grace.see_through(work)
        except TimeoutError as error:
            self.terminate()
            raise ConnectionLostError("the connection did not answer in time") from error

    async def _insist(self, work: Coroutine[object, object, T]) -> T:
        """Await what has to wait for a cancelled statement, and cancel that until it has ended.

        asyncpg asks the server once. When its request overtakes the statement, which comes by
        another connection, the server has nothing to cancel, and the statement runs to its end.
        """
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=_INSIST_EVERY))[0]:
                if self._own._protocol._is_cancelling():  # noqa: SLF001 - nothing public says it
                    sent = asyncio.get_running_loop().create_future()
                    self._own._cancel_current_command(sent)  # noqa: SLF001 - nor asks again
                    await asyncio.wait({sent}, timeout=_INSIST_EVERY)
        finally:
            task.cancel()  # of no effect unless the time is up
        return task.result()

    def terminate(self) -> None:
        """Cut the connection without a goodbye."""
        self._own.terminate()

    async def execute(self, sql: str) -> None:
        """Send statements in one message of the simple protocol, which leaves no portal open.

        An open portal pins a snapshot, and ``CREATE INDEX CONCURRENTLY`` waits for those.
        """
        await self.command_tag(sql)

    async def command_tag(self, sql: str) -> str:
        """Send statements in the same way, and return what the server says of the last one."""
        with self.own_words():
            tag: str = await self.raw.execute(sql)
        return tag

    async def fetch(self, query: str, *, after: str = "") -> list[Row]:
        """Return the rows of one statement, every value as text; see :meth:`copied`."""
        return list(rows_of(await self.copied(f"({query})", after=after)))

    async def copied(self, what: str, *, after: str = "") -> bytearray:
        """Return what COPY sends, for :func:`asyncmig.engines.postgres.copied.rows_of`.

        That is one message, leaves no portal open, and knows nothing of the codecs and record
        classes that an application may have set on a connection that it lends.

        Args:
            what: A table with the names of columns, or a statement in parentheses.
            after: Statements to send in front of it in the same message, each ended. asyncpg
                drops what they return, but must not meet another COPY there.

        Raises:
            ServerError: The server refused it.
            ConnectionLostError: The connection is gone.
            ConnectionInUseError: Somebody else uses the connection at the same time.
        """
        received = bytearray()

        async def receive(part: bytes) -> None:
            received.extend(part)

        if self.is_closed:  # execute() of asyncpg looks, this does not
            raise ConnectionLostError("the connection is closed")
        copied = f"{after} COPY {what} TO STDOUT (ENCODING 'utf8')"
        with self.own_words():
            try:  # the public method is for one statement, and puts nothing in front of it
                await self._own._protocol.copy_out(copied, receive, None)  # noqa: SLF001
            except asyncpg.InternalClientError:
                self._disown_waiter()
                raise
        return received

    def _disown_waiter(self) -> None:
        """Keep asyncio quiet about a future that asyncpg forgets.

        Where it has read a goodbye already, its ``copy_out()`` makes a future, fails to send, and
        awaits nobody's answer; execute() does better. Nothing names that future.
        """
        held: list[Any] = gc.get_referents(self._own._protocol)  # noqa: SLF001
        for waiter in filter(asyncio.isfuture, held):
            waiter.add_done_callback(_look_at)

    async def one(self, query: str, *, after: str = "") -> Row | None:
        """Return the first row of one statement, ``None`` when there is none."""
        rows = await self.fetch(query, after=after)
        return rows[0] if rows else None

    def own_words(self) -> _OwnWords:
        """Turn asyncpg's errors into ours, for a block.

        Raises:
            ServerError: The server refused it.
            ConnectionLostError: The connection is gone.
            ConnectionInUseError: Somebody else uses the connection at the same time.
        """
        return self._own_words

    async def end_transaction(self) -> None:
        """Roll back whatever is open, also what asyncpg does not know of or has lost count of."""
        await self.execute("ROLLBACK;")
        self._own._top_xact = None  # noqa: SLF001 - there is no other way

    @property
    def startup_pid(self) -> int:
        """The process that answered when the connection was opened: the server's or a pooler's."""
        return int(self.raw.get_server_pid())

    @property
    def may_be_superuser(self) -> bool:
        """Whether the session may be a superuser's. Asks nobody: the server reports it by itself.

        What it reports is the role that was SET, from which every function may go back. Of a
        connection that is lost nothing is known; who asks it next is told that.
        """
        if self.lent or self.is_closed:
            return True
        return getattr(self._own.get_settings(), "is_superuser", "on") != "off"

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return bool(self._own.is_closed())  # the stand-in of a pool refuses to tell

    @property
    def is_usable(self) -> bool:
        """Whether the connection is open, and outside a transaction."""
        return not self.is_closed and not self._own.is_in_transaction()

    @property
    def is_in_transaction(self) -> bool:
        """Whether the server said so with its last answer."""
        return not self.is_closed and bool(self._own.is_in_transaction())


class _OwnWords:
    """What :meth:`Wire.own_words` is, several times for each migration: no generator for each."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DRIVER_ERRORS):
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> Exception:
        wire = self._wire
        match error:
            case asyncpg.PostgresError():
                if wire.is_closed or str(error.sqlstate or "").startswith(_LOST_CLASSES):
                    return ConnectionLostError(str(error))
                return ServerError(error)
            case asyncpg.InterfaceError():
                return ConnectionLostError(str(error)) if wire.is_closed else _in_use(error)
            case asyncpg.InternalClientError():  # it has read a goodbye that nobody asked for
                wire.terminate()
                return ConnectionLostError("the server has ended it")
            case _:
                wire.terminate()
                return ConnectionLostError(str(error) or type(error).__name__)


def _in_use(error: asyncpg.InterfaceError) -> ConnectionInUseError:
    message = f"the connection cannot be used for a migration: {error}"
    hint = "nobody else may use it while migrations run, and tasks must have ended"
    return ConnectionInUseError(message, hint=hint)


def _look_at(waiter: asyncio.Future[object]) -> None:
    if not waiter.cancelled():
        waiter.exception()


def _behind(raw: AsyncpgConnection) -> AsyncpgConnection:
    """Return the connection itself: what a pool hands out is a stand-in."""
    connection: AsyncpgConnection = getattr(raw, "_con", raw)
    return connection


def is_pool(database: object) -> bool:
    """Tell whether it is a pool of an application."""
    return isinstance(database, asyncpg.Pool)


async def connect(url: PostgresUrl, *, timeout: float, application_name: str) -> AsyncpgConnection:
    """Open a connection of our own.

    Only the name goes into the start-up packet: PgBouncer refuses most other settings there.
    """
    try:
        return await asyncpg.connect(
            url.dsn,
            timeout=timeout,
            statement_cache_size=0,
            server_settings={"application_name": application_name},
            ssl=True if url.system_certificates else None,
        )
    except BaseException as error:
        without_frames(error)
        raise
