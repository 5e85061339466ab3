"""What a run tells, and that nobody who listens can break it."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime

import pytest

from asyncmig.batching import Forecast
from asyncmig.blocker import Blocker
from asyncmig.engines.base import Holder
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.events import (
    Event,
    LockAcquired,
    LockWaiting,
    MigrationApplied,
    MigrationFailed,
    MigrationProgressed,
    MigrationRetrying,
    MigrationReverted,
    MigrationStarted,
    MigrationWaiting,
    RunFinished,
    RunStarted,
)
from asyncmig.history import Batches, HistoryEntry, RowState
from asyncmig.migration import Direction
from asyncmig.narrator import Narrator, milliseconds
from asyncmig.plan import Step
from tests.values import finished, row, versioned

UP, DOWN = Direction.UP, Direction.DOWN
THREE = versioned(3)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def step(direction: Direction = UP, resumes: HistoryEntry | None = None) -> Step:
    """Return a step of migration 3."""
    return Step(direction, THREE.version, "v3", THREE.checksum, THREE.up, resumes=resumes)


PSQL = Blocker(pid=7, application="psql")


def heard() -> tuple[Narrator, list[Event]]:
    """Return a narrator and what it says."""
    events: list[Event] = []
    return Narrator(events.append, run_id="r1", database="db"), events


def test_each_turn_of_a_run_is_an_event() -> None:
    """Whole values, times in milliseconds."""
    tell, events = heard()
    failed = MigrationFailedError(
        "it failed", version="3", direction=UP, file="3.sql", line=1, column=2
    )
    done = finished(row(1, THREE), RowState.APPLIED)
    tell.waiting(Holder("pid 7", SINCE), 0.0204)
    tell.waiting(None, 5.0)
    tell.locked(5.1)
    tell.started(step())
    tell.started(step(resumes=row(1, THREE)))
    tell.retrying(step(), 2, 0.5, "lock timeout", (PSQL,))
    tell.held_up(step(), 3.5, "building index", (PSQL,))
    tell.progressed(step(), Batches(5, 500), Forecast(300, 2.0, 900))
    tell.progressed(step(), Batches(5), Forecast(0, 2.0, waits_for="a replica"))
    tell.done(step(), done)
    tell.done(step(DOWN), done)
    tell.failed(step(), failed)
    assert [
        LockWaiting("r1", "db", 20, "pid 7", SINCE),
        LockWaiting("r1", "db", 5000),
        LockAcquired("r1", "db", 5100),
        MigrationStarted("r1", "db", "3", "v3", UP),
        MigrationStarted("r1", "db", "3", "v3", UP, resumed=True),
        MigrationRetrying("r1", "db", "3", "v3", UP, 2, 500, "lock timeout", (PSQL,)),
        MigrationWaiting("r1", "db", "3", "v3", UP, 3500, "building index", (PSQL,)),
        MigrationProgressed("r1", "db", "3", "v3", UP, 5, 500, 150.0, 600, 4000),
        MigrationProgressed("r1", "db", "3", "v3", UP, 5, waits_for="a replica"),
        MigrationApplied("r1", "db", "3", "v3", UP, 0),
        MigrationReverted("r1", "db", "3", "v3", DOWN, 0),
        MigrationFailed("r1", "db", "3", "v3", UP, "it failed", "3.sql", 1, 2),
    ] == events


def test_a_run_tells_what_it_had_done_when_it_ends() -> None:
    """The rows are looked at when it ends, not when it begins."""
    tell, events = heard()
    entries: list[HistoryEntry] = []
    with tell.run(UP, entries):
        tell.begin(UP)
        entries.append(row(1, THREE))
    started, finish = events
    assert RunStarted("r1", "db", UP) == started
    assert isinstance(finish, RunFinished)
    assert RunFinished("r1", "db", UP, ("3",), finish.duration_ms) == finish


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (AsyncmigError("it failed"), "it failed"),
        (ZeroDivisionError("secret"), "ZeroDivisionError"),
        (asyncio.CancelledError(), "CancelledError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_run_that_ends_badly_says_so_and_passes_the_error_on(
    error: BaseException, sentence: str
) -> None:
    """Unwrapped, cancellation too; of an unknown error only the kind, it might hold a secret."""
    tell, events = heard()
    tell.begin(DOWN)
    with pytest.raises(type(error)) as caught, tell.run(DOWN, []):
        raise error
    finish = events[-1]
    assert isinstance(finish, RunFinished)
    assert RunFinished("r1", "db", DOWN, (), finish.duration_ms, sentence) == finish
    assert error is caught.value


def test_an_observer_that_raises_never_breaks_a_run(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, with its traceback, and it is told the next event all the same."""
    told: list[Event] = []

    def broken(event: Event) -> None:
        told.append(event)
        raise ZeroDivisionError

    tell = Narrator(broken, run_id="r1", database="db")
    with tell.run(UP, []):
        tell.begin(UP)
        tell.locked(0)
    assert [RunStarted, LockAcquired, RunFinished] == [type(event) for event in told]
    assert 3 * [("asyncmig", logging.ERROR, "an observer raised; the run goes on")] == (
        caplog.record_tuples
    )
    assert all(re.search("ZeroDivisionError", record.exc_text or "") for record in caplog.records)


def test_an_observer_that_raises_does_not_hide_the_error_of_the_run() -> None:
    """The run's own error is the one that counts."""

    def broken(event: Event) -> None:
        raise ZeroDivisionError(event)

    tell = Narrator(broken, run_id="r1", database="db")
    tell.begin(UP)
    with pytest.raises(AsyncmigError, match="it failed"), tell.run(UP, []):
        raise AsyncmigError("it failed")


def test_a_run_that_has_not_begun_tells_nothing() -> None:
    """Its files cannot be read: the caller gets the error, and no database was touched."""
    tell, events = heard()
    with pytest.raises(AsyncmigError, match="it failed"), tell.run(UP, []):
        raise AsyncmigError("it failed")
    assert [] == events


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (0.0004, 0), (0.0006, 1), (1.5, 1500)])
def test_times_are_whole_milliseconds(seconds: float, expected: int) -> None:
    """As documents and log lines give them."""
    assert expected == milliseconds(seconds)
