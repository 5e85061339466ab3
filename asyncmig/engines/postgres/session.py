"""One visit to PostgreSQL: read the history, take the lock, hand each step to what applies it."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.cleanup import finish, see_through
from asyncmig.engines.locking import acquire
from asyncmig.engines.postgres.advisory import AdvisoryLock
from asyncmig.engines.postgres.book import Book
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.lent import belongings, give_back
from asyncmig.engines.postgres.settings import session_settings, transaction_settings
from asyncmig.errors import (
    DatabaseAccessError,
    DatabaseError,
    DatabaseUnavailableError,
    ReadOnlyDatabaseError,
)
from asyncmig.migration import SqlScript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from asyncmig.engines.base import EngineSettings, Holder, Runner, StepEvents, Wait
    from asyncmig.engines.postgres.connection import Source, Wire
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.history import Edit, Failure, Generation, History, HistoryEntry
    from asyncmig.migration import Script
    from asyncmig.plan import Step

INSUFFICIENT_PRIVILEGE = "42501"
READ_ONLY_TRANSACTION = "25006"


class FenceTakenError(HistoryMovedError):
    """Another runner is in a transaction of its own: behind a pooler they take turns."""


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
    settings: str


class PostgresSession:
    """One visit. The connection, the lock and the work live and die together.

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
    def role_before(self) -> str:
        """The role that the application had set on the connection it lends, or ``none``."""
        return "none" if self._before is None else self._before.role

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
            with suppress(ServerError, ConnectionLostError, TimeoutError):
                await finish(give_back(wire, self._before))
        await self._source.close(wire)

    def transaction_settings(self, script: Script) -> str:
        """Return the SETs for a transaction that runs the script."""
        asked = self._source.server_settings
        return transaction_settings(self.settings, script, self.server.version, asked)

    async def restore(self) -> None:
        """Set a lent connection back to what it was when it was lent."""
        if self._before is not None:
            await give_back(self.wire, self._before)

    async def reopen(self) -> None:
        """Connect anew after the connection was lost, and take the lock again."""
        await self.close()
        await self.open()
        await self._greet()
        assert self._wait is not None  # noqa: S101 - only a holder of the lock comes here
        await acquire(self, self._wait)

    async def _greet(self) -> None:
        """Learn what the server is, and settle in.

        Raises:
            ReadOnlyDatabaseError: Nothing can be written here.
        """
        row = await self.wire.one(
            "SELECT pg_catalog.pg_backend_pid()::text AS pid, "
            "pg_catalog.current_setting('server_version_num') AS version, "
            "pg_catalog.pg_is_in_recovery()::int::text AS standby, "
            "pg_catalog.current_setting('transaction_read_only') AS read_only"
        )
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        if row["standby"] == "1":
            raise ReadOnlyDatabaseError(
                "the server is a standby, which is read-only", hint="connect to the primary"
            )
        if row["read_only"] == "on":
            raise ReadOnlyDatabaseError(
                "the database is read-only for this role (default_transaction_read_only)",
                hint="migrate with a role that may write",
            )
        version = int(row["version"])
        pooled = int(row["pid"]) != self.wire.startup_pid
        ours = not pooled and not self.wire.lent
        settings = session_settings(version, self._source.server_settings) if ours else ""
        self._server = Server(version, pooled, settings)
        if ours:
            await self.wire.execute(self._server.settings)
        elif self.wire.lent and self._before is None:
            self._before = await belongings(self.wire)

    # --- the protocol -------------------------------------------------------------------------

    async def history(self) -> History:
        """Read the whole history. Writes nothing and takes no lock."""
        with readable():
            return await self.book.read(only_here=self._only_here)

    @asynccontextmanager
    async def lock(self, wait: Wait) -> AsyncGenerator[float]:
        """Hold the lock; behind a pooler, each transaction takes it for itself."""
        self._wait = wait
        with readable():
            await self._greet()
            waited = await acquire(self, wait)
        try:
            with readable():
                await self._make_table()
            yield waited
        finally:
            await self._release()

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it."""
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

    async def apply(self, step: Step, planned: Generation, events: StepEvents) -> HistoryEntry:
        """Run one step and commit it together with its history."""
        from asyncmig.engines.postgres import autocommit, transactional

        if step.script.transaction:
            apply = transactional.apply
        elif isinstance(step.script, SqlScript):
            apply = autocommit.apply_sql
        else:
            apply = autocommit.apply_python
        async with self._waiting_again():
            return await apply(self, step, planned, events)

    async def edit(self, edit: Edit, planned: Generation) -> HistoryEntry:
        """Change the history alone, in a transaction."""
        from asyncmig.engines.postgres.transactional import edit_history

        async with self._waiting_again():
            return await edit_history(self, edit, planned)

    @asynccontextmanager
    async def _waiting_again(self) -> AsyncGenerator[None]:
        """Wait for the lock once more, outside of any transaction, when one met another runner."""
        with readable():
            try:
                yield
            except FenceTakenError:
                assert self._wait is not None  # noqa: S101 - only inside lock()
                await acquire(self, self._wait)
                raise

    async def record_failure(self, step: Step, failure: Failure) -> None:
        """Append a row in state ``failed``, for the runners that wait."""
        from asyncmig.engines.postgres.transactional import record_failure

        with readable():
            await record_failure(self, step, failure)

    async def _make_table(self) -> None:
        """Create the history table under the lock: CREATE … IF NOT EXISTS alone is a race."""
        while not await self.book.exists():
            with suppress(HistoryMovedError):
                async with self._waiting_again():
                    await self._create_table()

    async def _create_table(self) -> None:
        transaction = self.wire.transaction()
        await transaction.begin()
        try:
            await self.enter_fence()
            if not await self.book.exists():
                await self.book.create()
        except BaseException as error:
            await transaction.roll_back()
            if isinstance(error, ServerError) and error.sqlstate == INSUFFICIENT_PRIVILEGE:
                message = f"the history table cannot be created: {error.message}"
                hint = f"GRANT CREATE ON SCHEMA {self.table.schema} to the role that migrates"
                raise ReadOnlyDatabaseError(message, hint=hint) from error
            raise
        await see_through(transaction.commit())

    async def _release(self) -> None:
        """Give the lock back. On a connection of our own it goes with the connection anyway."""
        if self._wire is None or self.server.pooled or not self._wire.is_usable:
            return
        with suppress(ServerError, ConnectionLostError, TimeoutError):
            await finish(self.lock_key.release(self._wire))


@contextmanager
def readable() -> Generator[None]:
    """Turn what the server said about our own statements into errors of the tree."""
    try:
        yield
    except ConnectionLostError as error:
        message = f"the connection to the database was lost: {error}"
        hint = "nothing of an unfinished migration remains; run again"
        raise DatabaseUnavailableError(message, hint=hint) from error
    except ServerError as error:
        if error.sqlstate == READ_ONLY_TRANSACTION:
            raise ReadOnlyDatabaseError(error.message) from error
        if error.sqlstate == INSUFFICIENT_PRIVILEGE:
            message = f"the history table cannot be used: {error.message}"
            raise DatabaseAccessError(
                message, hint="GRANT the role that migrates access"
            ) from error
        raise DatabaseError(f"the database refused: {error.message}", hint=error.hint) from error
