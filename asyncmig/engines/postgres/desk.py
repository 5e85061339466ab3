"""What a visit to PostgreSQL works with: the connection, the server, the lock and the history."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.postgres.advisory import AdvisoryLock, TransactionLock
from asyncmig.engines.postgres.book import Book
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.greeting import greet, settle_in
from asyncmig.engines.postgres.guards import Guard, refuse_entry, unless
from asyncmig.engines.postgres.lent import belongings, give_back
from asyncmig.engines.postgres.refusals import is_queueing, readable
from asyncmig.engines.postgres.row_lock import KeptRowLock, RowLock
from asyncmig.engines.postgres.seats import Seats
from asyncmig.engines.postgres.settings import (
    OURSELVES,
    stepwise_settings,
    transaction_settings,
)
from asyncmig.engines.postgres.transaction import Transaction
from asyncmig.errors import (
    AsyncmigError,
    ConnectionInUseError,
    DatabaseUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from asyncmig.engines.base import Holder, Runner, Wait
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.lock import Lock
    from asyncmig.engines.postgres.server import Server
    from asyncmig.engines.postgres.sources import Source
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading
    from asyncmig.glance import InForce
    from asyncmig.history import Generation, History, HistoryEntry
    from asyncmig.migration import Script
    from asyncmig.plan import Step

_NO_ADVISORY_LOCKS = ("0A000", "42883", "42501")
"""What others say who have none: not supported (YugabyteDB), no such function, not permitted."""

T = TypeVar("T")


class Desk:
    """One connection, what its server is, and the lock that it can take.

    The connection, the lock and the work live and die together.

    Attributes:
        wait: How to wait for the lock, once it was asked for.
        unflushed: The newest row that was committed without waiting for the disk, if there is one.

    Args:
        source: Gives connections.
        settings: How to work.
        table: The history table.
        runner: Who runs.
        only_here: The schema of the history was chosen by the caller.
    """

    def __init__(
        self,
        source: Source,
        settings: EngineSettings,
        table: HistoryTable,
        runner: Runner,
        *,
        only_here: bool,
    ) -> None:
        self.settings = settings
        self.runner = runner
        self.table = table
        self._source = source
        self._only_here = only_here
        self._wire: Wire | None = None
        self._server: Server | None = None
        self._before: Belongings | None = None
        self.is_greeted = False
        self._mutex: Lock | None = None
        self._is_locked = False
        self.wait: Wait | None = None
        self.unflushed: HistoryEntry | None = None

    # --- the connection -----------------------------------------------------------------------

    @property
    def wire(self) -> Wire:
        """The open connection."""
        assert self._wire is not None, "the session is not open"  # noqa: S101
        return self._wire

    @property
    def server(self) -> Server:
        """What the server said of itself when the lock was asked for."""
        assert self._server is not None, "the lock was not asked for"  # noqa: S101
        return self._server

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._wire is not None

    @property
    def can_reconnect(self) -> bool:
        """Whether there is another connection when this one is gone."""
        return self._source.gives_several

    @property
    def may_watch(self) -> bool:
        """Whether a second connection is in nobody's way.

        Behind a pooler it might wait for the very connection that it is to watch.
        """
        return self._source.spares_one and not self.server.pooled

    async def open_another(self) -> Wire:
        """Connect a second time, to look on."""
        return await self._source.open(self.runner)

    async def close_another(self, wire: Wire) -> None:
        """Close the second connection, or hand it back."""
        await self._source.close(wire)

    @property
    def has_been_greeted(self) -> bool:
        """Whether a server, on this connection or an earlier one, said that it can be written."""
        return self._server is not None

    @property
    def book(self) -> Book:
        """The history, through the open connection."""
        return Book(self.wire, self.table, self.runner)

    async def open(self) -> None:
        """Connect."""
        self._wire = await self._source.open(self.runner)
        self.is_greeted = False

    async def close(self) -> None:
        """Close the connection, or hand it back as it was; never raises."""
        await self.release()
        wire, self._wire = self._wire, None
        self.is_greeted = False
        before, self._before = self._before, None
        if wire is None:
            return
        if before is not None and wire.is_usable:
            with suppress(ServerError, ConnectionLostError, AsyncmigError, TimeoutError):
                await wire.finish(give_back(wire, before))
        await self._source.close(wire)

    async def reopen(self) -> None:
        """Connect anew after the connection was lost, or let go.

        Raises:
            DatabaseUnavailableError: The connection was lent, so there is no other one.
        """
        try:
            await self.open()
        except ConnectionInUseError as error:
            message = "the connection that was lent is lost, and what became of its work unknown"
            hint = "run again with a new connection: the history says what is applied"
            raise DatabaseUnavailableError(message, hint=hint) from error

    async def greet(self) -> None:
        """Learn what the server is, choose the lock that it can give, and settle in.

        Raises:
            ReadOnlyDatabaseError: Nothing can be written here.
        """
        server = await greet(self.wire)
        if self._server is not None and not self._server.has_advisory_locks:
            server = replace(server, has_advisory_locks=False)
        if not server.pooled and not self.wire.lent:
            settings = await settle_in(self.wire, server, self._source.server_settings)
            server = replace(server, settings=settings)
        self._server = server
        self._mutex = self._mutex_for(server)
        self.is_greeted = True

    # --- what the steps need ------------------------------------------------------------------

    @property
    def ourselves(self) -> str:
        """SQL that makes the rest of a transaction run as the role that we came as."""
        return OURSELVES if self._before is None else self._before.identity("LOCAL")

    def entry_id(self, step: Step, planned: Generation) -> int:
        """Return the row of a step: the next one, or that of the run that it goes on with."""
        return planned.newest_id + 1 if step.resumes is None else step.resumes.id

    def transaction_settings(self, script: Script) -> str:
        """Return the SETs for a transaction that runs the script."""
        asked = self._source.server_settings
        if self.server.pooled:  # the RESET ALL after the last migration has taken the name away
            asked = {"application_name": self.server.name, **asked}
        return transaction_settings(self.settings, script, self.server, asked)

    def stepwise_settings(self, script: Script) -> str:
        """Return the SETs for the session while the script runs without a transaction."""
        return stepwise_settings(self.settings, script, self.server.version)

    async def restore(self) -> None:
        """Set a lent connection back to what it was when it was lent."""
        if self._before is not None:
            await give_back(self.wire, self._before)

    # --- the lock -----------------------------------------------------------------------------

    @property
    def mutex(self) -> Lock:
        """The lock, as this server can give it."""
        assert self._mutex is not None, "the lock was not asked for"  # noqa: S101
        return self._mutex

    def _mutex_for(self, server: Server) -> Lock:
        table = self.table
        is_ours = not server.pooled and not self.wire.lent
        if server.has_advisory_locks:
            return (TransactionLock if server.pooled else AdvisoryLock)(table.lock_key)
        return KeptRowLock(table, self._source, self.runner) if is_ours else RowLock(table)

    async def note_belongings(self) -> None:
        """Note what an application has set on a connection that it lends, to set it back."""
        if self.wire.lent and not self.server.pooled:
            self._before = await belongings(self.wire)

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it."""
        try:
            return await self._take()
        except ServerError as error:
            if error.sqlstate not in _NO_ADVISORY_LOCKS or not self.server.has_advisory_locks:
                raise
        self._server = replace(self.server, has_advisory_locks=False)
        self._mutex = self._mutex_for(self._server)
        return await self._take()

    async def _take(self) -> bool:
        """Take the lock. One that was granted in an answer which a cancellation cut off is ours."""
        self._is_locked = True
        self._is_locked = await self.mutex.take(self.wire)
        return self._is_locked

    @property
    def seats(self) -> Seats | None:
        """Where waiters sit; ``None`` where a session is not ours to keep a seat."""
        server = self.server
        has_seats = server.has_advisory_locks and not server.pooled and not self.wire.lent
        return Seats(self.table.lock_key) if has_seats else None

    async def release(self) -> None:
        """Give the lock back, if we have it; never raises."""
        wire, is_locked, self._is_locked = self._wire, self._is_locked, False
        if wire is None or not is_locked:
            return
        with suppress(ServerError, ConnectionLostError, AsyncmigError, TimeoutError):
            if wire.lent and wire.is_in_transaction:  # of a Python migration that was cut off
                await wire.finish(wire.end_transaction())
            await wire.finish(self.mutex.release(wire))

    async def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return await self.mutex.holder(self.wire)

    # --- transactions -------------------------------------------------------------------------

    async def enter(
        self,
        transaction: Transaction,
        planned: Generation | None = None,
        first: str = "",
        query: str | None = None,
    ) -> list[Row]:
        """Begin a transaction that is the only one, and in which the plan still holds.

        Args:
            transaction: Not begun yet.
            planned: The generation of the history that was planned from; ``None`` for any.
            first: Statements that come next in the same message, each ended.
            query: What to ask behind them; its rows are returned.

        Raises:
            FenceTakenError: Another runner is in one.
            HistoryMovedError: The history is another one.
        """
        guards = unless(self.mutex.fence, Guard.FENCE)
        if planned is not None:
            guards += unless(self.table.is_at(planned), Guard.HISTORY)
        return await self.enter_guarded(transaction, f"{guards} {first}", query)

    async def enter_guarded(
        self, transaction: Transaction, first: str, query: str | None = None
    ) -> list[Row]:
        """Begin a transaction with statements of which a guard is one, see :meth:`enter`.

        Raises:
            FenceTakenError: Another runner is in one.
            HistoryMovedError: The history is another one.
        """
        try:
            return await transaction.begin(first, query)
        except ServerError as error:
            refuse_entry(error)
            raise

    async def compare(self, planned: Generation) -> None:
        """Make sure that the history is the one that was planned from.

        Raises:
            FenceTakenError: Another runner is in a transaction.
            HistoryMovedError: The history is another one.
        """
        async with self.transaction(planned):
            pass

    @asynccontextmanager
    async def transaction(
        self, planned: Generation | None = None, first: str = "", query: str | None = None
    ) -> AsyncGenerator[list[Row]]:
        """Do a piece of bookkeeping in a transaction of its own, see :meth:`enter`."""
        transaction = Transaction(self.wire)
        try:
            yield await self.enter(transaction, planned, first, query)
        except BaseException:
            await transaction.roll_back()
            raise
        await transaction.commit()

    # --- the history --------------------------------------------------------------------------

    async def history(self, known: History | None = None) -> History:
        """Read the whole history, if it is not known. Writes nothing and takes no lock."""
        with readable():
            return await self._in_the_end(partial(self.read, known))

    async def glance(self) -> InForce | None:
        """Read of the history only what is in force."""
        with readable():
            return await self._in_the_end(self._glance)

    async def _glance(self) -> InForce | None:
        return await self.book.glance()  # asked for each time: the connection may be another one

    async def _in_the_end(self, look: Callable[[], Awaitable[T]]) -> T:
        """Look, as often as it takes behind a pooler that has no connection to spare.

        Another runner may need all of them for as long as a migration takes.
        """
        while True:
            try:
                return await look()
            except ConnectionLostError as error:
                if not (is_queueing(error) and self.can_reconnect):
                    raise
            await self.close()
            await self.reopen()

    async def read(self, known: History | None = None) -> History:
        """Read the whole history, once, if it is not known."""
        if known is not None and await self.book.is_at_the_end_of(known):
            return known
        return await self.book.read(only_here=self._only_here)

    # --- other tools --------------------------------------------------------------------------

    async def find_tables(self, names: Iterable[str]) -> tuple[ForeignTable, ...]:
        """Find tables of other tools by their names."""
        from asyncmig.engines.postgres.foreign import find_tables

        with readable():
            return await find_tables(self.wire, names, self.table, self.settings)

    async def read_table(self, reading: Reading) -> list[ForeignRow]:
        """Read a table of another tool."""
        from asyncmig.engines.postgres.foreign import read_table

        with readable():
            return await read_table(self.wire, reading)
