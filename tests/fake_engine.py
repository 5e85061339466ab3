"""An engine without a database: what the runner sees of one, in memory.

Sessions of one :class:`FakeDatabase` share its rows and its lock, as connections would. Tests
steer it with what it does before a turn (`on_history`, `before`), and read `calls` afterwards.
"""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from asyncmig.engines.base import HistoryMovedError, Holder, Runner, apply_first
from asyncmig.engines.locking import acquire
from asyncmig.errors import MigrationFailedError
from asyncmig.events import RunFinished
from asyncmig.files import Files
from asyncmig.history import Edit, History, NewRow, Progress, RowState
from asyncmig.locks import LockReport
from asyncmig.migration import Direction
from asyncmig.narrator import Narrator
from asyncmig.plan import make_plan
from asyncmig.request import Durability, Policy
from asyncmig.run import Run
from asyncmig.sql import Dialect
from tests.values import NOON, entry_of, up, versioned

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from asyncmig.engines.base import Adoption, Engine, Share, StepEvents, Wait
    from asyncmig.engines.statements import Prepared
    from asyncmig.errors import AsyncmigError
    from asyncmig.events import Event, Observer
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading
    from asyncmig.glance import Checksums, InForce
    from asyncmig.history import Failure, Generation, HistoryEntry
    from asyncmig.migration import Migration
    from asyncmig.plan import Plan, Step
    from asyncmig.request import Request

    Hook = Callable[[], object]


@dataclass(slots=True)
class FakeDatabase:
    """What all sessions share.

    Attributes:
        rows: The history.
        holder: The run that holds the lock; ``None`` for nobody.
        calls: What was asked of the sessions, in order.
        failures: What to raise instead of applying a migration, by its key.
        refusal: What to raise instead of giving the lock.
        unrecorded: What to raise instead of recording a failure.
        retries: How often a migration has to wait for a lock of its own, by its key.
        polls: What happens at each poll of somebody who waits, in turn.
        before: What happens just before a step is applied, in turn; ``None`` for nothing.
        flushes: What happens in a flush, in turn; ``None`` for nothing. May raise.
        prepared: What came along with each step, as it was cut before.
        residents: The tables that are there and not ours.
        asked: What happens just before they are named, in turn; ``None`` for nothing.
        in_sight: How many steps a session was given whenever it was to apply some.
    """

    rows: History = field(default_factory=lambda: History(exists=False))
    holder: str | None = None
    calls: list[str] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)
    refusal: AsyncmigError | None = None
    unrecorded: AsyncmigError | None = None
    retries: dict[str, int] = field(default_factory=dict)
    polls: deque[Hook] = field(default_factory=deque)
    before: deque[Hook | None] = field(default_factory=deque)
    flushes: deque[Hook | None] = field(default_factory=deque)
    prepared: list[Prepared | None] = field(default_factory=list)
    residents: list[str] = field(default_factory=list)
    asked: deque[Hook | None] = field(default_factory=deque)
    in_sight: list[int] = field(default_factory=list)

    @property
    def states(self) -> list[tuple[str, str]]:
        """Key and state of every row, oldest first."""
        return [(entry.key, entry.state.value) for entry in self.rows]

    def perform(self, *edits: Edit) -> None:
        """Change the history, as another runner would."""
        for edit in edits:
            self.write(edit)

    def write(self, edit: Edit) -> HistoryEntry:
        """Append the row of an edit."""
        entry = entry_of(edit, self.rows.generation.newest_id + 1)
        self.rows = self.rows.with_entry(entry, edit)
        return entry

    def lose(self, rows: int) -> None:
        """Forget the newest rows, as a server does that crashes."""
        self.rows = History(self.rows.entries[:-rows])

    def append(self, row: NewRow) -> None:
        """Append a row that retires nothing."""
        self.rows = History((*self.rows, entry_of(Edit(row), self.rows.generation.newest_id + 1)))


class FakeEngine:
    """An engine for a :class:`FakeDatabase`."""

    dialect = Dialect.SQLITE
    is_remote = False
    address = "memory"

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    @asynccontextmanager
    async def session(self, runner: Runner) -> AsyncGenerator[FakeSession]:
        """Visit the database."""
        self.database.calls.append("open")
        try:
            yield FakeSession(self.database, runner)
        finally:
            self.database.calls.append("close")

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the keys of the plan, a line each."""
        del runner
        return "\n".join(step.key for step in plan.steps)


class FakeSession:
    """One visit."""

    def __init__(self, database: FakeDatabase, runner: Runner) -> None:
        self.database = database
        self.runner = runner

    async def glance(self) -> InForce | None:
        """Read nothing, as if there were no table: every run plans."""
        return None

    async def history(self, known: History | None = None) -> History:
        """Read the whole history; what is known of it is no use where rows cost nothing."""
        del known
        await anyio.lowlevel.checkpoint()
        self.database.calls.append("history")
        return self.database.rows

    async def find_tables(self, names: Iterable[str]) -> tuple[ForeignTable, ...]:
        """Find no table of another tool."""
        del names
        return ()

    async def read_table(self, reading: Reading) -> list[ForeignRow]:
        """Read nothing."""
        del reading
        return []

    async def residents(self) -> Sequence[str]:
        """Name what is there."""
        self.database.calls.append("residents")
        if self.database.asked and (hook := self.database.asked.popleft()):
            hook()
        return self.database.residents

    @asynccontextmanager
    async def lock(self, wait: Wait) -> AsyncGenerator[float]:
        """Hold the lock."""
        if self.database.refusal is not None:
            raise self.database.refusal
        await acquire(self, wait)
        await wait.admit(self)
        self.database.rows = replace(self.database.rows, exists=True)
        try:
            yield 0.25
        finally:
            self.database.holder = None
            self.database.calls.append("unlock")

    async def try_lock(self) -> bool:
        """Take the lock if nobody else holds it; somebody who does goes on meanwhile."""
        self.database.calls.append("lock")
        if self.database.holder is None:
            self.database.holder = self.runner.run_id
            return True
        if self.database.polls:
            self.database.polls.popleft()()
        return False

    async def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return Holder(f"asyncmig/{self.database.holder}", NOON)

    async def apply(
        self,
        step: Step,
        planned: Generation,
        events: StepEvents,
        prepared: Prepared | None = None,
    ) -> HistoryEntry:
        """Run one step."""
        database = self.database
        database.prepared.append(prepared)
        if database.before and (hook := database.before.popleft()):
            hook()
        assert database.holder == self.runner.run_id, "apply() outside lock()"
        if planned != database.rows.generation:
            raise HistoryMovedError
        database.calls.append(f"{step.direction} {step.key}")
        events.on_started()
        for attempt in range(1, database.retries.get(step.key, 0) + 1):
            events.on_retrying(attempt, 0.5, "lock timeout", ())
        if step.key in database.failures:
            raise database.failures[step.key]
        await anyio.lowlevel.checkpoint()
        return self._finish(step) if step.resumes else database.write(step.edit())

    async def apply_in_turn(self, shares: Sequence[Share], planned: Generation) -> None:
        """Run the first step."""
        self.database.in_sight.append(len(shares))
        await apply_first(self, shares, planned)

    async def apply_together(
        self, shares: Sequence[Share], planned: Generation
    ) -> tuple[HistoryEntry, ...]:
        """Run steps, all of them or none."""
        before = self.database.rows
        entries: list[HistoryEntry] = []
        self.database.calls.append("begin")
        try:
            for share in shares:
                with await share.around():
                    entry = await self.apply(share.step, planned, share.events, share.prepared)
                planned = self.database.rows.generation
                entries.append(entry)
        except BaseException:
            if entries:  # else what is new is another runner's
                self.database.rows = before
            self.database.calls.append("roll back")
            raise
        self.database.calls.append("commit")
        return tuple(entries)

    def _finish(self, step: Step) -> HistoryEntry:
        assert step.resumes is not None
        entry = entry_of(step.edit(), step.resumes.id)
        self.database.rows = self.database.rows.with_entry(entry, step.edit())
        return entry

    async def rehearse(
        self,
        choose: Callable[[History], Sequence[Step]],
        wait: Wait,
        on_locks: Callable[[Step, LockReport], None],
    ) -> None:
        """Choose the steps, and say of each that it locks nothing."""
        del wait
        if self.database.before and (hook := self.database.before.popleft()):
            hook()
        for step in choose(self.database.rows):
            if step.key in self.database.failures:
                raise self.database.failures[step.key]
            on_locks(step, LockReport((), 0))

    async def flush(self) -> None:
        """Have the disk hold what was applied."""
        self.database.calls.append("flush")
        if self.database.flushes and (hook := self.database.flushes.popleft()):
            hook()

    async def edit(self, edit: Edit, planned: Generation) -> HistoryEntry:
        """Change the history alone."""
        if self.database.before and (hook := self.database.before.popleft()):
            hook()
        if planned != self.database.rows.generation:
            raise HistoryMovedError
        self.database.calls.append("edit")
        return self.database.write(edit)

    async def adopt(self, adoption: Adoption, planned: Generation) -> tuple[HistoryEntry, ...]:
        """Append rows that are made of nothing."""
        assert planned == self.database.rows.generation
        return tuple(self.database.write(Edit(row)) for row in adoption.decide([]))

    async def record_failure(self, step: Step, failure: Failure) -> None:
        """Append a row in state ``failed``."""
        if self.database.unrecorded is not None:
            raise self.database.unrecorded
        row = replace(step.edit().row, state=RowState.FAILED, failure=failure)
        self.database.append(row)


def begun(step: Step) -> NewRow:
    """Return the row that a step without a transaction leaves when it is killed."""
    return replace(step.edit().row, state=RowState.APPLYING, progress=Progress())


ONE, TWO, THREE = (versioned(number, text="SELECT 1", down="SELECT 2") for number in (1, 2, 3))
FILES = [ONE, TWO, THREE]


class Told:
    """What a run told, as words."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Note an event."""
        self.events.append(event)

    @property
    def words(self) -> list[str]:
        """Kind and version of every event."""
        return [
            f"{type(event).__name__} {getattr(event, 'version', '')}".strip()
            for event in self.events
        ]

    @property
    def end(self) -> tuple[tuple[str, ...], str | None]:
        """What the last event says: the versions that were done, and the error."""
        last = self.events[-1]
        assert isinstance(last, RunFinished)
        return last.versions, last.error


class LoadedFiles(Files):
    """Files that are in memory already."""

    def __init__(self, migrations: Sequence[Migration]) -> None:
        super().__init__("migrations", Dialect.SQLITE)
        self._migrations = migrations

    async def checksums(self) -> Checksums | None:
        """Return nothing, so that every run plans."""
        return None


def run_on(
    database: FakeDatabase,
    files: list[Migration] | None = None,
    *,
    told: Observer | None = None,
    wait_timeout: float | None = 5.0,
    durability: Durability = Durability.MIGRATION,
    policy: Policy | None = None,
) -> Run:
    """Return a run on the database."""
    engine: Engine = FakeEngine(database)
    return Run(
        engine,
        LoadedFiles(FILES if files is None else files),
        policy or Policy(),
        Runner("r1", "0"),
        wait_timeout=wait_timeout,
        narrator=Narrator(told or Told(), run_id="r1", database="memory"),
        durability=durability,
    )


def edits(rows: History, request: Request, files: list[Migration] = FILES) -> list[Edit]:
    """Return what another runner changes that does what the request asks for."""
    return [step.edit() for step in make_plan(files, rows, request, Policy()).steps]


def failed(key: str = "2", sqlstate: str | None = "42P01") -> MigrationFailedError:
    """Return the error of a migration that failed."""
    return MigrationFailedError(
        f"migration {key} failed",
        version=key,
        direction=Direction.UP,
        file="2.sql",
        line=7,
        column=3,
        sqlstate=sqlstate,
    )


def hooks(*acts: Hook | None) -> deque[Hook | None]:
    """Return what happens before one step after the other."""
    return deque(acts)


def applied_row(file: Migration) -> NewRow:
    """Return the row that another runner appends when it applies the file."""
    return edits(History(), up(), [file])[0].row
