"""One run: take the lock, and apply one step after the other."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines import base
from asyncmig.engines.base import HistoryMovedError, NothingToDo
from asyncmig.errors import (
    AsyncmigError,
    IncompleteMigrationError,
    MigrationFailedError,
    ReadOnlyDatabaseError,
    TransactionLostError,
)
from asyncmig.history import RowState
from asyncmig.importing import ANYIO_BACKEND, FIRST_RUN, imported
from asyncmig.logging import context_of
from asyncmig.migration import Direction
from asyncmig.narrator import milliseconds
from asyncmig.opening import glance, head_start, opened
from asyncmig.repetition import refuse_repetition
from asyncmig.report import RunReport
from asyncmig.request import Phases, Request
from asyncmig.scripts import Scripts
from asyncmig.tally import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from asyncmig.engines.base import Engine, Runner, Session, Share, Wait
    from asyncmig.files import Files
    from asyncmig.glance import Current
    from asyncmig.history import Generation, History, HistoryEntry, MigrationStatus
    from asyncmig.ledger import Ledger
    from asyncmig.migration import Migration, Version
    from asyncmig.narrator import Narrator
    from asyncmig.plan import Plan, Step
    from asyncmig.request import Durability, Policy

T = TypeVar("T")

_IN_SIGHT = 20
"""How many steps a session sees at a time, and may run without a look at them in between. Each
brings twenty objects along: with 700 new ones, Python begins to look for garbage everywhere."""

_PAUSE = 0.01
"""Seconds before another plan is made, so that runners which take turns do not keep a core busy."""


class Run:
    """One run against one database. Used once.

    Attributes:
        entries: The rows written so far, for good.
        waited: Seconds that the lock took, or the wait that made it needless.
        baseline: What was recorded before anything was run, if something was.
    """

    def __init__(
        self,
        engine: Engine,
        files: Files,
        policy: Policy,
        runner: Runner,
        *,
        wait_timeout: float | None,
        narrator: Narrator,
        durability: Durability,
    ) -> None:
        self._tally = Tally(narrator, durability)
        self.entries: Sequence[HistoryEntry] = self._tally.entries
        self._ledger: Ledger  # not before a history was read
        self.waited = 0.0
        self.baseline: HistoryEntry | None = None
        self._target: str | None = None
        self._current: Current | None = None
        self._engine = engine
        self._files = files
        self._migrations: Sequence[Migration] = ()
        self._policy = policy
        self._runner = runner
        self._wait_timeout = wait_timeout
        self._narrator = narrator
        self._scripts = Scripts(engine.dialect)

    @property
    def history(self) -> History:
        """The history as last seen, with what was done since."""
        return self._ledger.history

    @history.setter
    def history(self, history: History) -> None:
        from asyncmig.ledger import Ledger

        self._ledger = Ledger(history)

    async def report(self, request: Request | None, duration_ms: int) -> RunReport:
        """Return what the run did, and where the database stands.

        Args:
            request: What was asked for; ``None`` for a redo.
            duration_ms: How long it took.
        """
        current, statuses = await self._outcome()
        return RunReport(
            database=self._engine.address,
            run_id=self._runner.run_id,
            direction=Direction.UP if request is None else request.direction,
            entries=tuple(self.entries),
            current=current,
            pending=sum(1 for status in statuses if status.is_due),
            lock_wait_ms=milliseconds(self.waited),
            duration_ms=duration_ms,
            warnings=tuple(status for status in statuses if status.problems),
            postponed=tuple(status for status in statuses if status.is_postponed),
            baseline=None if self.baseline is None else self.baseline.version,
        )

    async def _outcome(self) -> tuple[Version | None, Sequence[MigrationStatus]]:
        """Return the newest version that is applied, and whatever there may be to say."""
        if self._current is not None:
            return self._current.version, ()
        return await asyncio.to_thread(self._look_back)

    def _look_back(self) -> tuple[Version | None, Sequence[MigrationStatus]]:
        """Lay files and history side by side once more; it blocks for as long as to plan does."""
        from asyncmig.status import classify, current_version

        return current_version(self.history), classify(self._migrations, self.history)

    async def execute(self, request: Request) -> None:
        """Do what was asked for. Nothing is locked when there is nothing to do."""
        if request.is_for_everything:
            await self._catch_up(request)
            return
        async with self._visit(request.direction) as session:
            await self._do(session, request)

    async def redo(self) -> None:
        """Revert the newest applied migration and apply it again, under one lock."""
        async with self._visit(Direction.UP) as session:
            newest = Request(Direction.DOWN, steps=1)
            # What would refuse the way up must be known before the way down is gone.
            self._is_settled(self.history, Request.up())
            if not self._is_settled(self.history, newest):
                await self._locked(session, newest, again=True)

    @asynccontextmanager
    async def _visit(self, direction: Direction) -> AsyncGenerator[Session]:
        """Visit the database, with all files and the whole history read."""
        with self._narrator.run(direction, self.entries):
            visit = self._engine.session(self._runner)
            files = self._begin(direction, self._files.migrations)
            async with opened(visit, files) as (session, reading):
                self._migrations = await reading
                self.history = await session.history()
                yield session

    async def _begin(self, direction: Direction, read: Callable[[], Awaitable[T]]) -> T:
        """Read the files; a run whose files cannot be read has not begun, and tells nothing."""
        await head_start(self._engine)
        found = await read()
        self._narrator.begin(direction)
        return found

    async def _catch_up(self, request: Request) -> None:
        """Apply everything, unless a glance shows that all is applied, as it mostly is."""
        with self._narrator.run(request.direction, self.entries):
            visit = self._engine.session(self._runner)
            files = self._begin(request.direction, self._files.checksums)
            async with opened(visit, files) as (session, reading):
                self._current = await glance(self._engine, session, reading)
                if self._current is None:
                    self._migrations = await self._files.migrations()
                    self.history = await session.history()
                    await self._do(session, request)

    async def _do(self, session: Session, request: Request) -> None:
        """Do what was asked for, unless the history as it was read shows that it is done."""
        if not await asyncio.to_thread(self._is_settled, self.history, request):
            await self._locked(session, request)

    async def _locked(self, session: Session, request: Request, *, again: bool = False) -> None:
        began = self.history.generation
        try:
            async with session.lock(self._wait_for(request, began)) as self.waited:
                self._narrator.locked(self.waited)
                await imported(*ANYIO_BACKEND)  # who merely waits need not
                if self._target is not None:
                    await self._record(session, self._target)
                self._repeat_failure(self.history, request, began)
                await self._carry_out(session, request)
                if again and self.entries:
                    await self._carry_out(session, self._back_to(self.entries[-1].version))
        except NothingToDo:
            return
        except ReadOnlyDatabaseError as error:
            steps = self._plan(self.history, request).steps
            raise error.with_pending([step.key for step in steps]) from error.__cause__

    async def _admit(self, session: Session, request: Request) -> None:
        """Read the history under the lock, and where there is none decide where to begin.

        The holder mostly lets go before this runner has looked again. Only a first run asks what
        else is in the database.
        """
        self._target = None
        self.history = await session.history(self.history)
        if self.history.entries or request.direction is Direction.DOWN:
            return
        await imported(*FIRST_RUN)
        from asyncmig.first_run import look_around

        self.history, self._target = await look_around(session, self.history, self._policy)

    async def _record(self, session: Session, target: str) -> None:
        """Record the baseline with which the history begins."""
        from asyncmig.first_run import record

        self.baseline = await record(session, self._migrations, target)
        if self.baseline is not None:
            self._narrator.recorded(self.baseline)
        self.history = await session.history()

    async def _carry_out(self, session: Session, request: Request) -> None:
        """Plan under the lock, apply step by step, and plan again whenever the history moved.

        The plan is made from the history as last seen: every step compares it anyway.
        """
        before = self._tally.steps
        try:
            while rest := request.after(self._tally.steps - before):
                plan = await asyncio.to_thread(self._plan, self.history, rest)
                await self._scripts.look_through(plan.steps)
                if await self._work_off(session, plan, together=request.single_transaction):
                    break
        except BaseException:
            await self._settle_at_last(session)
            raise
        await asyncio.sleep(0)  # where a cancellation during the last COMMIT arrives

    async def _work_off(self, session: Session, plan: Plan, *, together: bool) -> bool:
        """Apply the steps of a plan, and tell whether it held to its end."""
        try:
            if together and plan.steps:
                await self._apply_together(session, plan.steps)
            else:
                await self._apply_each(session, plan.steps)
            await self._settle(session)
        except HistoryMovedError:
            await asyncio.sleep(_PAUSE)
            await self._look_again(session)
            return False
        return True

    async def _apply_each(self, session: Session, steps: Sequence[Step]) -> None:
        """Apply steps one after the other."""
        for first in range(0, len(steps), _IN_SIGHT):
            shares = [self._share(step) for step in steps[first : first + _IN_SIGHT]]
            while shares:
                before = self._tally.steps
                await self._apply_some(session, shares)
                shares = shares[self._tally.steps - before :]

    async def _apply_some(self, session: Session, shares: Sequence[Share]) -> None:
        """Apply the first of some steps, and those behind it that the session takes with it."""
        is_transactional_sql = shares[0].step.is_transactional_sql
        if not is_transactional_sql:
            await self._settle(session)  # what it does may depend on that, and outlive it
        try:
            await session.apply_in_turn(shares, self._ledger.generation)
        except MigrationFailedError as error:
            await self._settle_at_last(session)
            await self._note_failure(session, _reached(shares, error), error)
            raise
        if self._tally.is_due or not is_transactional_sql:
            await self._settle(session)

    async def _apply_together(self, session: Session, steps: Sequence[Step]) -> None:
        """Apply steps in a single transaction: all of them, or none."""
        shares = [self._share(step) for step in steps]
        try:
            entries = await session.apply_together(shares, self._ledger.generation)
        except MigrationFailedError as error:
            reached = _reached(shares, error)
            if not isinstance(error, TransactionLostError):
                error.along_with([step.key for step in steps[: steps.index(reached)]])
            await self._note_failure(session, reached, error)
            raise
        for step, entry in zip(steps, entries, strict=True):
            self._note(step, entry)

    def _share(self, step: Step) -> Share:
        events = self._narrator.events_of(step, on_applied=partial(self._note, step))
        around = partial(context_of, step, self._runner.run_id)
        return base.Share(step, events, around, self._scripts.take(step))

    def _note(self, step: Step, entry: HistoryEntry) -> None:
        """Note a step that was done, and tell of it if nothing can take that back."""
        self._ledger.note(entry, step.edit())
        self._tally.add(step, entry)
        if not self._tally.needs_flush:
            self._tally.settle()

    async def _note_failure(
        self, session: Session, step: Step, error: MigrationFailedError
    ) -> None:
        """Tell of a failure, and write it down for those who wait."""
        self._narrator.failed(step, error)
        with suppress(AsyncmigError):
            await session.record_failure(step, base.failure_of(error))
        error.after(self.entries)

    async def _settle(self, session: Session) -> None:
        """Have the disk hold what was done, and tell of it."""
        if self._tally.needs_flush:
            await session.flush()
        self._tally.settle()

    async def _settle_at_last(self, session: Session) -> None:
        """Do so on the way out, as far as it can be done: what is not told of may be there."""
        with suppress(AsyncmigError, HistoryMovedError):
            try:
                await self._settle(session)
            except HistoryMovedError:
                await self._look_again(session)
                await self._settle(session)

    async def _look_again(self, session: Session) -> None:
        """Read the history that has moved; what was held back and is gone was lost in a crash."""
        self.history = await session.history()
        self._tally.keep(self.history)

    def _back_to(self, version: Version | None) -> Request:
        """Return the request to apply a version again, and nothing of the other phase with it."""
        phase = next(m.phase for m in self._migrations if m.version == version)
        return Request(Direction.UP, to=version, phases=Phases(phase.value))

    def _plan(self, history: History, request: Request) -> Plan:
        """Plan. With thousands of migrations that blocks for long: do it in a thread."""
        from asyncmig.plan import make_plan  # mostly there is nothing to plan

        return make_plan(self._migrations, history, request, self._policy)

    def _is_settled(self, history: History, request: Request) -> bool:
        """Tell whether nothing is left to do, by a look without the lock.

        What looks unfinished may be what another runner is in the middle of: the lock will tell.
        """
        try:
            return not self._plan(history, request).steps
        except IncompleteMigrationError:
            return False

    def _wait_for(self, request: Request, began: Generation) -> Wait:
        since = time.monotonic()

        def settled(history: History) -> bool:
            self.history = history
            self.waited = time.monotonic() - since
            if self._is_settled(history, request):
                return True
            self._repeat_failure(history, request, began)
            return False

        return base.Wait(
            self._wait_timeout,
            settled,
            self._narrator.waiting,
            admit=partial(self._admit, request=request),
        )

    def _repeat_failure(self, history: History, request: Request, began: Generation) -> None:
        """Fail as the holder failed, if this runner would run the very same thing next.

        Or with others in a single transaction, of which nothing would remain.

        Only for failures recorded since the wait began, and only when the database's code says
        that trying again would not help.
        """
        if recent := [row for row in history.since(began) if row.state is RowState.FAILED]:
            with suppress(IncompleteMigrationError):
                steps = self._plan(history, request).steps
                for step in steps if request.single_transaction else steps[:1]:
                    refuse_repetition(step, recent)


def _reached(shares: Sequence[Share], error: MigrationFailedError) -> Step:
    """Return the step that has failed."""
    keys = [share.step.key for share in shares]
    return shares[keys.index(error.version or "")].step
