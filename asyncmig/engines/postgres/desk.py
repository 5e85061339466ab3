"""What a visit to PostgreSQL works with: the connection, the server, the lock and the history."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.engines.base import Wait
from asyncmig.engines.cleanup import finish
from asyncmig.engines.locking import acquire as poll
from asyncmig.engines.postgres.advisory import AdvisoryLock
from asyncmig.engines.postgres.book import Book
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.lent import belongings, give_back
from asyncmig.engines.postgres.refusals import (
    FenceTakenError,
    readable,
    refuse_statement_pooling,
)
from asyncmig.engines.postgres.settings import (
    IDLE_SECONDS,
    OURSELVES,
    asked_settings,
    dead_man_settings,
    stepwise_settings,
    transaction_settings,
)
from asyncmig.errors import (
    AsyncmigError,
    ConnectionInUseError,
    DatabaseUnavailableError,
    ReadOnlyDatabaseError,
)

if TYPE_CHECKING:
    from asyncmig.engines.base import EngineSettings, Holder, Runner
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.sources import Source
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.history import Generation, History, HistoryEntry
    from asyncmig.migration import Script
    from asyncmig.plan import Step

_GREETING = (
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num'), "
    "pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')"
)


@dataclass(frozen=True, slots=True)
class Server:
    """What the server says of itself.

    Attributes:
        version: As ``server_version_num``: 150004 is 15.4.
        pooled: Whether something stands between: another process answered than the one that
            opened the connection. It is so behind PgBouncer in every mode, and never otherwise.
        settings: The SETs for a session of our own; empty where the session is not ours.
    """

    version: int
    pooled: bool
    settings: str = ""


class Desk:
    """One connection, what its server is, and the lock that it can take.

    The connection, the lock and the work live and die together.

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
        self.lock_key = AdvisoryLock(table.lock_key)
        self.table = table
        self._source = source
        self._only_here = only_here
        self._wire: Wire | None = None
        self._server: Server | None = None
        self._before: Belongings | None = None
        self._wait: Wait | None = None
        self._has_answered = False

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
    def book(self) -> Book:
        """The history, through the open connection."""
        return Book(self.wire, self.table, self.runner)

    async def open(self) -> None:
        """Connect."""
        self._wire = await self._source.open(self.runner)

    async def close(self) -> None:
        """Close the connection, or hand it back as it was; never raises."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        if self._before is not None and wire.is_usable:
            with suppress(ServerError, ConnectionLostError, AsyncmigError, TimeoutError):
                await finish(give_back(wire, self._before))
        await self._source.close(wire)

    async def reopen(self) -> None:
        """Connect anew after the connection was lost.

        Raises:
            DatabaseUnavailableError: The connection was lent, so there is no other one.
        """
        await self.close()
        try:
            await self.open()
        except ConnectionInUseError as error:
            message = "the connection that was lent is lost, and what became of its work unknown"
            hint = "run again with a new connection: the history says what is applied"
            raise DatabaseUnavailableError(message, hint=hint) from error
        await self._greet()

    async def is_committed(self, entry: HistoryEntry) -> bool:
        """Look, after the connection was lost in COMMIT, whether the row is there as it should.

        The lock is taken first: until it is free, the old connection's COMMIT may still come true.
        """
        with readable():
            await self.reopen()
            assert self._wait is not None  # noqa: S101 - only a holder of the lock comes here
            as_long_as_it_lives = Wait(IDLE_SECONDS, lambda _: False, self._wait.on_waiting)
            await self.acquire(as_long_as_it_lives)
            return await self.book.entry(entry.id) == entry

    async def _greet(self) -> None:
        """Learn what the server is, and settle in.

        Raises:
            ReadOnlyDatabaseError: Nothing can be written here.
        """
        ((pid, version, is_standby, is_read_only),) = await self.wire.fetch(_GREETING)
        if is_standby == "t":
            raise ReadOnlyDatabaseError(
                "the server is a standby, which is read-only", hint="connect to the primary"
            )
        if is_read_only == "on":
            raise ReadOnlyDatabaseError(
                "the database is read-only for this role (default_transaction_read_only)",
                hint="migrate with a role that may write",
            )
        pooled = int(pid or 0) != self.wire.startup_pid
        self._server = Server(int(version or 0), pooled)
        self._has_answered = False
        if pooled:
            return
        if not self.wire.lent:
            self._server = replace(self._server, settings=await self._settle_in())
        elif self._before is None:
            self._before = await belongings(self.wire)

    async def _settle_in(self) -> str:
        """Set what our own session runs with, and return it as SQL.

        A server that is not PostgreSQL itself, or runs on another system, may lack some.
        """
        orders = dead_man_settings(self.server.version)
        try:
            await self.wire.execute(" ".join(orders))
        except ServerError:
            orders = [order for order in orders if await self._is_accepted(order)]
        asked = asked_settings(self._source.server_settings)
        if asked:
            await self.wire.execute(" ".join(asked))
        return " ".join((*orders, *asked))

    async def _is_accepted(self, order: str) -> bool:
        try:
            await self.wire.execute(order)
        except ServerError:
            return False
        return True

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
        return transaction_settings(self.settings, script, self.server.version, asked)

    def stepwise_settings(self, script: Script) -> str:
        """Return the SETs for the session while the script runs without a transaction."""
        return stepwise_settings(self.settings, script, self.server.version)

    async def restore(self) -> None:
        """Set a lent connection back to what it was when it was lent."""
        if self._before is not None:
            await give_back(self.wire, self._before)

    # --- the lock -----------------------------------------------------------------------------

    async def acquire(self, wait: Wait) -> float:
        """Take the lock; connect anew when the connection is lost during a long wait."""
        began = time.monotonic()
        while True:
            waited = time.monotonic() - began
            left = None if wait.timeout is None else max(0.0, wait.timeout - waited)
            try:
                return waited + await poll(self, replace(wait, timeout=left))
            except (ConnectionLostError, DatabaseUnavailableError) as error:
                refuse_statement_pooling(error)
                if self.wire.lent or not self._has_answered:
                    raise
            await self.reopen()

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it."""
        granted = await self._try_lock()
        self._has_answered = True
        return granted

    async def _try_lock(self) -> bool:
        if not self.server.pooled:
            return await self.lock_key.take(self.wire)
        transaction = self.wire.transaction()
        await transaction.begin()
        try:
            return await self.lock_key.fence(self.wire)
        finally:
            await transaction.roll_back()

    async def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return await self.lock_key.holder(self.wire)

    async def enter_fence(self) -> None:
        """Make sure that the transaction which has just begun is the only one.

        Raises:
            FenceTakenError: Another runner is in one.
        """
        if not await self.lock_key.fence(self.wire):
            raise FenceTakenError

    # --- the history --------------------------------------------------------------------------

    async def history(self) -> History:
        """Read the whole history. Writes nothing and takes no lock."""
        with readable():
            return await self.book.read(only_here=self._only_here)
