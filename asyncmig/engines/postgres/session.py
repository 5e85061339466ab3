"""One visit to PostgreSQL: read the history, take the lock, hand each step to what applies it.

What applies steps, and the lexer with it, is imported when there is one: mostly there is none.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines import base
from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.desk import Desk
from asyncmig.engines.postgres.refusals import (
    INSUFFICIENT_PRIVILEGE,
    FenceTakenError,
    no_create,
    no_write,
    readable,
)
from asyncmig.importing import imported

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from asyncmig.engines.base import Adoption, Share, StepEvents, Wait
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import Edit, Failure, Generation, History, HistoryEntry
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step

_APPLYING = (
    "asyncmig.engines.statements",
    "asyncmig.engines.postgres.observation",
    "asyncmig.engines.postgres.running",
    "asyncmig.engines.postgres.transactional",
    "asyncmig.engines.postgres.autocommit",
)
_IN_BATCHES = (
    "asyncmig.batching",
    "asyncmig.engines.batching",
    "asyncmig.engines.postgres.reckoning",
    "asyncmig.engines.postgres.batches",
    "asyncmig.engines.postgres.batched",
)


T = TypeVar("T")


class PostgresSession(Desk):
    """One visit, see :class:`asyncmig.engines.base.Session`: a desk, and what is done at it."""

    @asynccontextmanager
    async def lock(self, wait: Wait) -> AsyncGenerator[float]:
        """Hold the lock; behind a pooler, each transaction takes it for itself."""
        self.wait = wait
        try:
            with readable():
                waited = await self._take_lock(wait)
                await wait.admit(self)
                await self._make_table()
            yield waited
        finally:
            await self.release()

    async def apply(
        self,
        step: Step,
        planned: Generation,
        events: StepEvents,
        prepared: Prepared | None = None,
    ) -> HistoryEntry:
        """Run one step and commit it together with its history."""
        await imported(*_APPLYING)
        return await self._waiting_again(self._apply(step, planned, events, prepared))

    async def _apply(
        self, step: Step, planned: Generation, events: StepEvents, prepared: Prepared | None
    ) -> HistoryEntry:
        if step.script.batching is not None:
            await imported(*_IN_BATCHES)
            from asyncmig.engines.postgres import batched

            return await batched.apply(self, step, planned, events, prepared)
        if step.script.transaction:
            from asyncmig.engines.postgres.transactional import apply

            return await apply(self, step, planned, events, prepared)
        from asyncmig.engines.postgres.autocommit import apply_python, apply_sql
        from asyncmig.migration import SqlScript

        if isinstance(step.script, SqlScript):
            return await apply_sql(self, step, planned, events, prepared)
        return await apply_python(self, step, planned, events)

    async def apply_in_turn(self, shares: Sequence[Share], planned: Generation) -> None:
        """Run the first step."""
        await base.apply_first(self, shares, planned)

    async def apply_together(
        self, shares: Sequence[Share], planned: Generation
    ) -> tuple[HistoryEntry, ...]:
        """Run steps in one transaction, and commit them all with their history, or nothing."""
        await imported("asyncmig.engines.postgres.together")
        from asyncmig.engines.postgres.together import apply_together

        return await self._waiting_again(apply_together(self, shares, planned))

    async def residents(self) -> Sequence[str]:
        """Name the tables and views that are there and not ours."""
        await imported("asyncmig.engines.postgres.residents")
        from asyncmig.engines.postgres.residents import residents

        with readable():
            return await residents(self.wire, self.table, self.settings.search_path)

    async def rehearse(
        self,
        choose: Callable[[History], Sequence[Step]],
        wait: Wait,
        on_locks: Callable[[Step, LockReport], None],
    ) -> None:
        """Take the lock, run steps in one transaction, look at what each locks, roll back."""
        await imported(*_APPLYING, "asyncmig.engines.postgres.rehearsal")
        self.wait = wait
        try:
            await self._waiting_again(self._rehearse(choose, wait, on_locks))
        finally:
            await self.release()

    async def _rehearse(
        self,
        choose: Callable[[History], Sequence[Step]],
        wait: Wait,
        on_locks: Callable[[Step, LockReport], None],
    ) -> None:
        from asyncmig.engines.postgres.rehearsal import rehearse

        await self._take_lock(wait)
        await rehearse(self, choose, on_locks)

    async def flush(self) -> None:
        """Have the disk hold what was applied."""
        if self.unflushed is None:
            return
        from asyncmig.engines.postgres.durable import flush

        with readable():
            await flush(self)

    async def edit(self, edit: Edit, planned: Generation) -> HistoryEntry:
        """Change the history alone, in a transaction."""
        from asyncmig.engines.postgres import transactional

        return await self._waiting_again(transactional.edit_history(self, edit, planned))

    async def adopt(self, adoption: Adoption, planned: Generation) -> tuple[HistoryEntry, ...]:
        """Append what another tool has done, all in one transaction."""
        from asyncmig.engines.postgres.adopting import adopt

        return await self._waiting_again(adopt(self, adoption, planned))

    async def record_failure(self, step: Step, failure: Failure) -> None:
        """Append a row in state ``failed``, for the runners that wait."""
        from asyncmig.engines.postgres import transactional

        with suppress(HistoryMovedError), readable():
            await transactional.record_failure(self, step, failure)

    async def _waiting_again(self, work: Awaitable[T]) -> T:
        """Do some work; where it met another runner, wait for the lock once more.

        Outside of any transaction.

        Raises:
            FenceTakenError: It did, and the lock is taken again.
        """
        with readable():
            try:
                return await work
            except FenceTakenError:
                assert self.wait is not None  # noqa: S101 - only inside lock()
                await self._take_lock(self.wait)
                raise

    async def _take_lock(self, wait: Wait) -> float:
        await imported("asyncmig.engines.postgres.waiting")
        from asyncmig.engines.postgres.waiting import wait_for_lock

        return await wait_for_lock(self, wait)

    async def _make_table(self) -> None:
        """Create the history table under the lock: CREATE … IF NOT EXISTS alone is a race."""
        while (rights := await self.book.rights()) is None:
            with suppress(HistoryMovedError):
                await self._waiting_again(self._create_table())
        if not all(rights):
            raise no_write(self.table)

    async def _create_table(self) -> None:
        try:
            async with self.transaction():
                if await self.book.rights() is None:
                    await self.book.create()
        except ServerError as error:
            if error.sqlstate == INSUFFICIENT_PRIVILEGE:
                raise no_create(self.table, error) from error
            raise
