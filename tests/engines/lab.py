"""What the tests of the engines work with: a database, a second look at it, and short spellings."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.checksum import checksum
from asyncmig.engines.base import Runner, Share, StepEvents, Wait
from asyncmig.engines.settings import EngineSettings
from asyncmig.migration import Batching, Direction, Migration, PythonScript, SqlScript, Version
from asyncmig.plan import make_plan
from asyncmig.request import Policy, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractContextManager

    from asyncmig.batching import Forecast
    from asyncmig.blocker import Blocker
    from asyncmig.engines.base import Engine, Holder, Session
    from asyncmig.engines.settings import Setup
    from asyncmig.history import Batches, History, HistoryEntry
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step

UP = Request(Direction.UP)
DOWN = Request(Direction.DOWN)
RUNNER = Runner(run_id="run-1", tool_version="1.2.3", host="here", pid=4711)
RIVAL = Runner(run_id="run-2", tool_version="1.2.3", host="there", pid=4712)
LAX = Policy()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lab:
    """One database to try things on.

    Attributes:
        make_engine: Makes an engine for the database; each call stands for another process.
        query: Runs one statement on a connection of its own, and returns the rows as tuples.
        slow: A statement that runs for many seconds.
    """

    make_engine: Callable[[EngineSettings], Engine]
    query: Callable[[str], Awaitable[list[tuple[Any, ...]]]]
    slow: str

    @property
    def engine(self) -> Engine:
        """An engine with the default settings."""
        return self.make_engine(EngineSettings())

    def engine_with(self, *, setup: Setup | None = None, table: str = "asyncmig_history") -> Engine:
        """Return an engine with other settings."""
        return self.make_engine(EngineSettings(setup=setup, table=table))

    async def tables(self) -> set[str]:
        """Return the tables that are there, but for the history."""
        rows = await self.query(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if self.engine.dialect == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {name for (name,) in rows} - {"asyncmig_history"}


@dataclass(slots=True)
class Seen:
    """What a session told while it waited or applied.

    Attributes:
        on_progress: What happens whenever it tells of its progress.
    """

    started: int = 0
    retries: list[str] = field(default_factory=list[str])
    blockers: list[tuple[Blocker, ...]] = field(default_factory=list[Any])
    waits: list[tuple[str, tuple[Blocker, ...]]] = field(default_factory=list[Any])
    progress: list[tuple[Batches, Forecast]] = field(default_factory=list[Any])
    on_progress: Callable[[], object] = lambda: None
    holders: list[Holder | None] = field(default_factory=list[Any])
    reports: list[LockReport] = field(default_factory=list[Any])

    @property
    def events(self) -> StepEvents:
        """What to hand to ``apply()``."""
        return StepEvents(
            self._start,
            self._retry,
            self._wait,
            on_locks=self.reports.append,
            on_progress=self._go_on,
        )

    def _start(self) -> None:
        self.started += 1

    def _retry(self, _attempt: int, _pause: float, why: str, blockers: tuple[Blocker, ...]) -> None:
        self.retries.append(why)
        self.blockers.append(blockers)

    def _wait(self, _seconds: float, phase: str, blockers: tuple[Blocker, ...]) -> None:
        self.waits.append((phase, blockers))

    def _go_on(self, batches: Batches, forecast: Forecast) -> None:
        self.progress.append((batches, forecast))
        self.on_progress()


def sql(version: str, text: str, down: str | None = None, **options: Any) -> Migration:  # noqa: ANN401 - as SqlScript
    """Return a migration in SQL; options are ``transaction``, ``foreign_keys`` and ``limits``."""
    path = f"{version}_some.sql"
    return Migration(
        Version(version),
        "some",
        checksum(text),
        _script(text, path, **options),
        None if down is None else _script(down, path, **options),
    )


def _script(text: str, path: str, **options: Any) -> SqlScript:  # noqa: ANN401 - as SqlScript
    return SqlScript(text, path, **options)


def repeatable(name: str, text: str) -> Migration:
    """Return a repeatable migration in SQL."""
    return Migration(None, name, checksum(text), SqlScript(text, f"R__{name}.sql"))


def python(version: str, source: str, **options: Any) -> Migration:  # noqa: ANN401 - as PythonScript
    """Return a migration in Python whose ``up`` has that body."""
    body = "".join(f"    {line}\n" for line in source.splitlines())
    text = f"async def up(connection):\n{body}"
    script = PythonScript(text, f"{version}_some.py", "up", **options)
    return Migration(Version(version), "some", checksum(text), script)


def in_batches(
    version: str, text: str, down: str | None = None, *, size: int = 100, pause: float = 0.0
) -> Migration:
    """Return a migration in SQL that runs in batches, without a pause between them."""
    path = f"{version}_some.sql"
    batching = Batching(size=size, pause=pause)
    up = SqlScript(text, path, batching=batching)
    back = None if down is None else SqlScript(down, path, batching=batching)
    return Migration(Version(version), "some", checksum(text), up, back)


def python_batches(version: str, source: str, *, size: int = 100) -> Migration:
    """Return a migration in Python whose ``up`` has that body, for each ``batch``."""
    body = "".join(f"    {line}\n" for line in source.splitlines())
    text = (
        f"import asyncmig\n\n@asyncmig.batches(size={size}, pause=0)\nasync def up(batch):\n{body}"
    )
    batching = Batching(size=size, pause=0)
    script = PythonScript(text, f"{version}_some.py", "up", batching=batching)
    return Migration(Version(version), "some", checksum(text), script)


def wait_for(
    *,
    timeout: float | None = 10.0,
    settled: Callable[[History], bool] = lambda _history: False,
    seen: Seen | None = None,
) -> Wait:
    """Return how to wait for the lock."""
    told = seen or Seen()
    return Wait(timeout, settled, lambda holder, _seconds: told.holders.append(holder))


@asynccontextmanager
async def locked(engine: Engine, runner: Runner = RUNNER) -> AsyncGenerator[Session]:
    """Hold the lock of a database."""
    async with engine.session(runner) as session, session.lock(wait_for()):
        yield session


async def run(
    engine: Engine,
    *migrations: Migration,
    request: Request = UP,
    runner: Runner = RUNNER,
    seen: Seen | None = None,
) -> list[HistoryEntry]:
    """Do what a run does: lock, read, plan, apply, flush. Return the rows that were written."""
    entries: list[HistoryEntry] = []
    async with locked(engine, runner) as session:
        history = await session.history()
        try:
            for step in make_plan(migrations, history, request, LAX).steps:
                entry = await session.apply(step, history.generation, (seen or Seen()).events)
                history = history.with_entry(entry, step.edit())
                entries.append(entry)
        finally:
            await session.flush()
        if (found := await session.history()) != history:
            pytest.fail(f"the history is not what the entries say: {found}")
    return entries


async def together(
    engine: Engine, *migrations: Migration, seen: Seen | None = None
) -> tuple[HistoryEntry, ...]:
    """Do what a run with a single transaction does."""
    async with locked(engine) as session:
        history = await session.history()
        steps = make_plan(migrations, history, UP, LAX).steps
        shares = [share_of(step, seen or Seen()) for step in steps]
        return await session.apply_together(shares, history.generation)


def share_of(
    step: Step, seen: Seen, before: Callable[[], Awaitable[object]] | None = None
) -> Share:
    """Return what a step brings into a single transaction; ``before`` is awaited in front of it."""

    async def around() -> AbstractContextManager[None]:
        if before is not None:
            await before()
        return nullcontext()

    return Share(step, seen.events, around)


async def history_of(engine: Engine) -> History:
    """Read the history as a visitor does."""
    async with engine.session(RUNNER) as session:
        return await session.history()


def first_step(history: History, *migrations: Migration, request: Request = UP) -> Step:
    """Return the first step of a plan."""
    return make_plan(migrations, history, request, LAX).steps[0]


def facts(entry: HistoryEntry) -> HistoryEntry:
    """Return a row without what differs from run to run: clock, duration and user."""
    finished = None if entry.finished_at is None else EPOCH
    duration = None if entry.duration_ms is None else 0
    return replace(entry, started_at=EPOCH, finished_at=finished, duration_ms=duration, user="")
