"""Runs that fail or are cancelled: what stays, what is recorded, and what is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import (
    DatabaseError,
    InvalidMigrationError,
    MigrationFailedError,
    ReadOnlyDatabaseError,
)
from asyncmig.history import Failure
from asyncmig.migration import SqlScript
from tests.fake_engine import (
    FILES,
    ONE,
    THREE,
    TWO,
    FakeDatabase,
    Told,
    failed,
    hooks,
    run_on,
)
from tests.values import applied, up

if TYPE_CHECKING:
    from asyncmig.events import Event


async def test_a_failure_stops_the_run_and_is_recorded() -> None:
    """What was done stays done, the error carries it, and those who wait can read why."""
    error = failed()
    database, told = FakeDatabase(failures={"2": error}), Told()
    run = run_on(database, told=told)
    with pytest.raises(MigrationFailedError) as caught:
        await run.execute(up())
    assert error is caught.value
    assert tuple(run.entries) == error.applied
    assert ["1"] == [entry.key for entry in error.applied]
    assert [("1", "applied"), ("2", "failed")] == database.states
    assert Failure("migration 2 failed", "42P01", 7, 3) == database.rows.entries[1].failure
    assert ["MigrationStarted 2", "MigrationFailed 2", "RunFinished"] == told.words[-3:]
    assert (("1",), "migration 2 failed") == told.end
    assert ["unlock", "close"] == database.calls[-2:]


async def test_a_failure_that_cannot_be_recorded_is_still_the_failure() -> None:
    """The record is a courtesy for those who wait."""
    error = failed()
    database = FakeDatabase(failures={"2": error}, unrecorded=DatabaseError("disk full"))
    with pytest.raises(MigrationFailedError) as caught:
        await run_on(database).execute(up())
    assert (error, ["1"]) == (caught.value, [entry.key for entry in error.applied])
    assert [("1", "applied")] == database.states


async def test_every_script_is_looked_through_before_the_first_one_runs() -> None:
    """A COMMIT in the middle of the last file stops the run before anything happened."""
    script = SqlScript("SELECT 1;\nCOMMIT;\nSELECT 2;", "migrations/3_v3.sql")
    database = FakeDatabase()
    with pytest.raises(InvalidMigrationError) as caught:
        await run_on(database, [ONE, TWO, replace(THREE, up=script)]).execute(up())
    assert ("3", "migrations/3_v3.sql:2:1", []) == (
        caught.value.version,
        caught.value.location,
        database.states,
    )


async def test_a_read_only_database_names_what_is_pending() -> None:
    """The driver's own error stays the cause."""
    cause = OSError("read-only")
    refusal = ReadOnlyDatabaseError("the server is a standby", hint="connect to the primary")
    refusal.__cause__ = cause
    with pytest.raises(ReadOnlyDatabaseError) as caught:
        await run_on(FakeDatabase(applied(ONE), refusal=refusal)).execute(up())
    error = caught.value
    assert (
        "2 migrations to run, but the server is a standby",
        "connect to the primary",
        ("2", "3"),
        cause,
    ) == (error.message, error.hint, error.pending, error.__cause__)


async def test_a_read_only_database_with_nothing_pending_is_fine() -> None:
    """Nobody asks for the lock there."""
    database = FakeDatabase(applied(*FILES), refusal=ReadOnlyDatabaseError("read-only"))
    await run_on(database).execute(up())
    assert ["open", "history", "close"] == database.calls


async def test_an_error_of_the_connection_is_passed_on_with_what_was_done() -> None:
    """Nothing is recorded, for the database is out of reach; the end of the run is told."""
    database, told = FakeDatabase(failures={"2": DatabaseError("gone")}), Told()
    run = run_on(database, told=told)
    with pytest.raises(DatabaseError, match="gone"):
        await run.execute(up())
    assert (["1"], (("1",), "gone")) == ([entry.key for entry in run.entries], told.end)
    assert [("1", "applied")] == database.states


# --- cancellation -----------------------------------------------------------------------------


async def test_cancellation_passes_through_unwrapped() -> None:
    """The lock is given back, what was done is told, and no failure is recorded."""
    database, told = FakeDatabase(), Told()
    run = run_on(database, told=told)
    task = asyncio.create_task(run.execute(up()))
    database.before = hooks(None, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (("1",), "CancelledError") == told.end
    assert [("1", "applied")] == database.states
    assert ["unlock", "close"] == database.calls[-2:]


async def test_a_cancellation_during_the_last_commit_is_delivered() -> None:
    """What was committed is told first; then the caller sees that it was cancelled."""
    database, told = FakeDatabase(), Told()

    def cancel_when_applied(event: Event) -> None:
        told(event)
        if told.words[-1] == "MigrationApplied 1":
            task.cancel()

    run = run_on(database, [ONE], told=cancel_when_applied)
    task = asyncio.create_task(run.execute(up()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (("1",), "CancelledError") == told.end
    assert [("1", "applied")] == database.states


async def test_a_waiter_can_be_cancelled() -> None:
    """At once; it held nothing."""
    database, told = FakeDatabase(holder="r0"), Told()
    task = asyncio.create_task(run_on(database, told=told).execute(up()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ("r0", "close") == (database.holder, database.calls[-1])
    assert ((), "CancelledError") == told.end
