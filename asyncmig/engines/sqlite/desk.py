"""What a session works with while it holds the lock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncmig.engines.cleanup import see_through
from asyncmig.engines.python_script import run_setup
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.records import Fence
from asyncmig.engines.sqlite.shared import Alone
from asyncmig.errors import DatabaseError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Runner
    from asyncmig.engines.settings import Setup
    from asyncmig.engines.sqlite.access import Visit
    from asyncmig.engines.sqlite.bodies import Body
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.sqlite.patience import Patience
    from asyncmig.engines.sqlite.shared import SharedTransaction, Transaction
    from asyncmig.engines.sqlite.table import Table
    from asyncmig.plan import Step


class Desk:
    """What a session works with while it holds the lock.

    Attributes:
        worker: The connection that writes.
        table: The history.
        runner: Who runs.
        patiently: How to wait for applications.
        shared: The migrations that wait for the disk together.
        fence: What tells whether the history is still the one that a step was planned from.
        is_used: Whether a migration may have left something on the connection.
    """

    def __init__(
        self,
        visit: Visit,
        worker: Worker,
        *,
        table: Table,
        runner: Runner,
        setup: Setup | None,
        patiently: Patience,
        shared: SharedTransaction,
    ) -> None:
        self._visit = visit
        self._setup = setup
        self.worker = worker
        self.table = table
        self.runner = runner
        self.patiently = patiently
        self.fence = Fence(table)
        self.shared = shared
        self.is_used = False

    def transaction_for(self, step: Step, body: Body) -> Transaction:
        """Return what to run a step in: what is shared can be undone, and has no pragma."""
        joins = self.shared.is_open and step.is_transactional_sql and body.foreign_keys
        return self.shared if joins else Alone()

    async def flush(self) -> None:
        """Commit the shared transaction. A cancellation is delivered after that.

        Raises:
            HistoryMovedError: It is lost, now or since the last time.
            DatabaseBusyError: An application was reading for longer than the budget.
        """
        if self.shared.size and (error := await self._see_flush_through()):
            raise error
        self.shared.refuse_lost()

    async def _see_flush_through(self) -> DatabaseError | None:
        try:
            return await see_through(self._flush())
        except TimeoutError as late:
            raise asyncio.CancelledError from late

    async def _flush(self) -> DatabaseError | None:
        """Return what went wrong: some of it is a TimeoutError, as is being out of time."""
        try:
            await self.patiently(lambda: self.worker.run_to_end(self.shared.flush))
        except DatabaseError as error:
            await self.sweep(self.shared.give_up)
            return error
        except ClosedError:
            self.shared.lose()
        return None

    async def lay_out(self, transaction: Transaction) -> None:
        """Make the connection ready for a migration: nothing left of the last one, and set up.

        Args:
            transaction: What the migration is about to run in.

        Raises:
            HistoryMovedError: What was done before is lost.
            DriverError: The hook met a busy database; it may be tried again.
            SettingsError: The hook failed.
        """
        if self.is_used or transaction is not self.shared:
            await self.flush()
        if self.is_used:
            self.fence.forget()
            await self._visit.fresh(self.worker)
            self.is_used = False
        if self._setup is None:
            return
        try:
            await run_setup(self._setup, self.worker.driver)
        except SettingsError as error:
            self.is_used = True
            if error.__cause__ is not None and is_busy(error.__cause__):
                raise error.__cause__ from None
            raise

    async def sweep(self, work: Callable[[Raw], None]) -> None:
        """Do a piece of work after a failure; where that fails too, close the connection.

        Closing rolls back. A borrowed connection with half a migration on it would be worse.
        """
        self.is_used = True
        try:
            await self.worker.clean_up(work)
        except (DriverError, TimeoutError):
            self.shared.lose()
            await self.worker.close()
        except ClosedError:  # by the migration itself
            self.shared.lose()
