"""What a session works with while it holds the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.python_script import run_setup
from asyncmig.engines.sqlite.connection import ClosedError, DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.records import Fence
from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Runner, Setup
    from asyncmig.engines.sqlite.access import Visit
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.sqlite.patience import Patience
    from asyncmig.engines.sqlite.table import Table


class Desk:
    """What a session works with while it holds the lock.

    Attributes:
        worker: The connection that writes.
        table: The history.
        runner: Who runs.
        patiently: How to wait for applications.
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
    ) -> None:
        self._visit = visit
        self._setup = setup
        self.worker = worker
        self.table = table
        self.runner = runner
        self.patiently = patiently
        self.fence = Fence(table)
        self.is_used = False

    async def lay_out(self) -> None:
        """Make the connection ready for a migration: nothing left of the last one, and set up.

        Raises:
            DriverError: The hook met a busy database; it may be tried again.
            SettingsError: The hook failed.
        """
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
            await self.worker.close()
        except ClosedError:
            pass  # by the migration itself
