"""A run that waits for the disk once: what it holds back, when it flushes, and what it forgets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig import tally
from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import DatabaseError, MigrationFailedError, SettingsError
from asyncmig.migration import SqlScript
from asyncmig.request import Durability
from tests.fake_engine import FakeDatabase, Told, failed, hooks, run_on
from tests.values import in_python, up, versioned

if TYPE_CHECKING:
    from asyncmig.migration import Migration


@pytest.fixture(autouse=True)
def _never_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no second pass on a slow machine."""
    monkeypatch.setattr(tally, "_LONGEST_HOLD", 1e9)


def _acts(database: FakeDatabase) -> list[str]:
    """Return what was applied and flushed."""
    return [call for call in database.calls if call == "flush" or call.startswith("up")]


async def test_success_is_told_after_one_flush_at_the_end() -> None:
    """Until then a crash could take it back."""
    database, told = FakeDatabase(), Told()
    run = run_on(database, told=told, durability=Durability.RUN)
    await run.execute(up())
    assert ["up 1", "up 2", "up 3", "flush"] == _acts(database)
    assert [
        "MigrationStarted 3",
        "MigrationApplied 1",
        "MigrationApplied 2",
        "MigrationApplied 3",
        "RunFinished",
    ] == told.words[-5:]
    assert ["1", "2", "3"] == [entry.key for entry in run.entries]


async def test_nothing_is_flushed_when_every_migration_waits_for_the_disk() -> None:
    """The default."""
    database, told = FakeDatabase(), Told()
    await run_on(database, told=told).execute(up())
    assert ["up 1", "up 2", "up 3"] == _acts(database)
    assert told.words.index("MigrationApplied 1") < told.words.index("MigrationStarted 2")


async def test_success_is_not_held_back_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may be watching."""
    monkeypatch.setattr(tally, "_LONGEST_HOLD", 0.0)
    database = FakeDatabase()
    await run_on(database, durability=Durability.RUN).execute(up())
    assert ["up 1", "flush", "up 2", "flush", "up 3", "flush"] == _acts(database)


BARE = replace(versioned(2), up=SqlScript("VACUUM", "migrations/2_v2.sql", transaction=False))


@pytest.mark.parametrize("other", [in_python(2), BARE], ids=["python", "bare"])
async def test_what_reaches_beyond_a_transaction_runs_between_two_flushes(
    other: Migration,
) -> None:
    """What it does outside of the database may depend on what was done before."""
    database = FakeDatabase()
    files = [versioned(1), other, versioned(3)]
    await run_on(database, files, durability=Durability.RUN).execute(up())
    assert ["up 1", "flush", "up 2", "flush", "up 3", "flush"] == _acts(database)


async def test_a_failure_is_told_after_what_was_done_before_it() -> None:
    """Its report names only what is there for good."""
    database, told = FakeDatabase(failures={"3": failed("3")}), Told()
    run = run_on(database, told=told, durability=Durability.RUN)
    with pytest.raises(MigrationFailedError) as caught:
        await run.execute(up())
    assert ["up 1", "up 2", "up 3", "flush"] == _acts(database)
    assert ["MigrationApplied 1", "MigrationApplied 2", "MigrationFailed 3"] == told.words[-4:-1]
    assert ["1", "2"] == [entry.key for entry in caught.value.applied]


async def test_a_cancellation_is_delivered_after_a_flush() -> None:
    """What was done is told; the rest was never begun."""
    database, told = FakeDatabase(), Told()
    run = run_on(database, told=told, durability=Durability.RUN)
    task = asyncio.create_task(run.execute(up()))
    database.before = hooks(None, None, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["up 1", "up 2", "up 3", "flush"] == _acts(database)
    assert (("1", "2"), "CancelledError") == told.end


async def test_what_a_crash_took_back_is_applied_again() -> None:
    """The flush finds it out, and the plan is made anew."""
    database, told = FakeDatabase(), Told()

    def crash() -> None:
        database.lose(2)
        raise HistoryMovedError

    database.flushes = hooks(crash)
    run = run_on(database, told=told, durability=Durability.RUN)
    await run.execute(up())
    assert ["up 1", "up 2", "up 3", "flush", "up 2", "up 3", "flush"] == _acts(database)
    assert (("1", "2", "3"), None) == told.end
    assert [("1", "applied"), ("2", "applied"), ("3", "applied")] == database.states


async def test_what_a_crash_took_back_before_a_failure_is_not_told() -> None:
    """Only what the history still has."""
    database, told = FakeDatabase(failures={"3": failed("3")}), Told()

    def crash() -> None:
        database.lose(1)
        raise HistoryMovedError

    database.flushes = hooks(crash)
    with pytest.raises(MigrationFailedError):
        await run_on(database, told=told, durability=Durability.RUN).execute(up())
    assert ["MigrationApplied 1", "MigrationFailed 3", "RunFinished"] == told.words[-3:]


async def test_what_could_not_be_flushed_is_not_told() -> None:
    """It may be there: the next run looks."""
    database, told = FakeDatabase(), Told()

    def gone() -> None:
        message = "the connection was lost"
        raise DatabaseError(message)

    database.flushes = hooks(gone, gone)
    run = run_on(database, told=told, durability=Durability.RUN)
    with pytest.raises(DatabaseError, match="lost"):
        await run.execute(up())
    assert ([], ((), "the connection was lost")) == (run.entries, told.end)


async def test_a_number_of_steps_counts_what_is_held_back() -> None:
    """So two steps are two steps, when the history moves in between too."""
    database = FakeDatabase()

    def crash() -> None:
        database.lose(1)
        raise HistoryMovedError

    database.flushes = hooks(crash)
    await run_on(database, durability=Durability.RUN).execute(up(steps=2))
    assert [("1", "applied"), ("2", "applied")] == database.states


def test_a_durability_that_there_is_none_of_is_refused() -> None:
    """With the choices."""
    with pytest.raises(SettingsError, match="often") as caught:
        Durability.of("often")
    assert "durability: migration or run" == caught.value.hint
