"""Runs that wait for another runner: what they make of what it did."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import (
    IncompleteMigrationError,
    LockTimeoutError,
    MigrationFailedError,
)
from asyncmig.history import Failure, History, NewRow, RowState
from asyncmig.migration import Direction, Migration
from asyncmig.plan import make_plan
from asyncmig.request import Policy
from tests.fake_engine import (
    FILES,
    ONE,
    THREE,
    TWO,
    FakeDatabase,
    Told,
    begun,
    edits,
    run_on,
)
from tests.values import applied, row, up, versioned

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_a_waiter_is_done_as_soon_as_nothing_is_left() -> None:
    """Without ever taking the lock; its report shows the history that it saw."""
    database, told = FakeDatabase(holder="r0"), Told()
    database.polls.append(lambda: database.perform(*edits(database.rows, up(to=1))))
    database.polls.append(lambda: database.perform(*edits(database.rows, up())))
    run = run_on(database, told=told)
    await run.execute(up())
    assert ("r0", []) == (database.holder, [c for c in database.calls if c.startswith("up")])
    assert (database.rows, []) == (run.history, run.entries)
    assert ["RunStarted", "LockWaiting", "RunFinished"] == told.words


async def test_a_waiter_applies_what_the_holder_left() -> None:
    """Only the rest, from the history as it is by then."""
    database = FakeDatabase(holder="r0")

    def leave() -> None:
        database.perform(*edits(database.rows, up(to=2)))
        database.holder = None

    database.polls.append(leave)
    await run_on(database).execute(up())
    assert ["up 3"] == [call for call in database.calls if call.startswith("up")]


async def test_a_wait_that_takes_too_long_names_the_holder() -> None:
    """And nothing has been run."""
    database, told = FakeDatabase(holder="r0"), Told()
    with pytest.raises(LockTimeoutError) as caught:
        await run_on(database, told=told, wait_timeout=0).execute(up())
    assert "asyncmig/r0" == caught.value.holder
    assert ((), caught.value.message) == told.end


async def test_what_looks_unfinished_is_waited_for() -> None:
    """Another runner is in the middle of a migration without a transaction: no error, no rush."""
    database = FakeDatabase(holder="r0")
    first = make_plan([ONE], database.rows, up(), Policy()).steps[0]
    database.append(replace(begun(first), progress=None))

    def finish() -> None:
        database.rows = History((row(1, ONE),))

    database.polls.append(finish)
    await run_on(database, [ONE]).execute(up())
    assert [("1", "applied")] == database.states


async def test_what_is_unfinished_under_the_lock_is_refused() -> None:
    """Nobody is at it any more, so a person must tell how far it got."""
    first = make_plan([ONE], History(), up(), Policy()).steps[0]
    database = FakeDatabase()
    database.append(replace(begun(first), progress=None))
    with pytest.raises(IncompleteMigrationError):
        await run_on(database, [ONE]).execute(up())
    assert "lock" in database.calls


# --- the holder failed ------------------------------------------------------------------------


def failure_row(file: Migration = TWO, sqlstate: str | None = "42P01", **other: object) -> NewRow:
    """Return what a holder records when migration 2 fails."""
    step = next(s for s in make_plan(FILES, History(), up(), Policy()).steps if s.key == "2")
    failure = Failure("migration 2 failed", sqlstate, 7, 3)
    row_ = replace(step.edit().row, state=RowState.FAILED, failure=failure, checksum=file.checksum)
    return replace(row_, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("lets_go", [True, False])
async def test_a_waiter_repeats_the_failure_of_the_holder(*, lets_go: bool) -> None:
    """The very same file would fail again; seen while waiting, or with the lock just taken."""
    database, told = FakeDatabase(applied(ONE), holder="r0"), Told()

    def fail() -> None:
        database.append(failure_row())
        database.holder = None if lets_go else "r0"

    database.polls.append(lambda: None)
    database.polls.append(fail)
    if lets_go:  # the waiter looks at the history before, and tries the lock after it
        database.polls[1] = lambda: _after_the_look(database, fail)
    with pytest.raises(MigrationFailedError) as caught:
        await run_on(database, told=told).execute(up())
    error = caught.value
    assert [] == [call for call in database.calls if call.startswith("up")]
    sentence = "migration 2 failed (another runner met this error; it was not tried again here)"
    assert (sentence, "2", Direction.UP, "migrations/2_v2.sql:7:3", "42P01", ()) == (
        error.message,
        error.version,
        error.direction,
        error.location,
        error.sqlstate,
        error.applied,
    )
    assert ((), sentence) == told.end


def _after_the_look(database: FakeDatabase, act: Callable[[], None]) -> None:
    """Do something between this poll's look at the history and the next try of the lock."""
    before = database.rows
    act()
    failed_rows, database.rows = database.rows, before
    asyncio.get_running_loop().call_later(0.005, setattr, database, "rows", failed_rows)


@pytest.mark.parametrize(
    "recorded",
    [
        failure_row(file=versioned(2, text="SELECT 'older text'")),
        failure_row(direction=Direction.DOWN),
        failure_row(version=THREE.version),
        failure_row(sqlstate=None),
        failure_row(failure=None),
        *(failure_row(sqlstate=f"{prefix}001") for prefix in ("08", "40", "53", "55", "57")),
        failure_row(state=RowState.REVERTED),
    ],
    ids=lambda new: f"{new.direction}-{new.version}-{new.failure and new.failure.sqlstate}",
)
async def test_a_waiter_tries_what_might_go_well(recorded: NewRow) -> None:
    """Another text, direction or version, or a failure that was about the moment."""
    database = FakeDatabase(applied(ONE), holder="r0")

    def fail() -> None:
        database.append(recorded)

    database.polls.append(fail)
    database.polls.append(lambda: setattr(database, "holder", None))
    await run_on(database).execute(up())
    assert ["up 2", "up 3"] == [call for call in database.calls if call.startswith("up")]


async def test_a_failure_from_before_the_run_is_tried_again() -> None:
    """Somebody may have mended the database since."""
    database = FakeDatabase(applied(ONE), holder="r0")
    database.append(failure_row())
    database.polls.append(lambda: setattr(database, "holder", None))
    await run_on(database).execute(up())
    assert ["up 2", "up 3"] == [call for call in database.calls if call.startswith("up")]


async def test_a_failure_of_something_later_does_not_stop_what_comes_first() -> None:
    """Only the very next migration of this runner is compared."""
    database = FakeDatabase(holder="r0")

    def fail() -> None:
        database.append(failure_row())
        database.holder = None

    database.polls.append(fail)
    await run_on(database).execute(up(to=1))
    assert ["up 1"] == [call for call in database.calls if call.startswith("up")]
