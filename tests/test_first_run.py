"""The first run, on an engine without a database: what it asks, records, and leaves to others."""

from __future__ import annotations

import pytest

from asyncmig.errors import NoHistoryError
from asyncmig.history import History
from asyncmig.repair import plan_baseline
from asyncmig.request import Policy
from tests.fake_engine import FILES, ONE, FakeDatabase, Told, edits, hooks, run_on
from tests.values import applied, down, up

THEIRS = ["users"]


async def test_only_a_first_run_asks_what_else_is_there() -> None:
    """A database with a history is asked nothing more than before."""
    first, later = FakeDatabase(), FakeDatabase(applied(ONE))
    for database in (first, later):
        await run_on(database).execute(up())
    assert (1, 0) == (first.calls.count("residents"), later.calls.count("residents"))


async def test_a_way_down_asks_nothing() -> None:
    """There is nothing to revert in a database without a history, whatever else is in it."""
    database = FakeDatabase(residents=THEIRS)
    await run_on(database).execute(down())
    assert ["open", "history", "close"] == database.calls


async def test_a_refused_first_run_writes_nothing() -> None:
    """Not even the table of the history: it may be the wrong database."""
    database = FakeDatabase(residents=THEIRS)
    with pytest.raises(NoHistoryError, match="not empty: users"):
        await run_on(database).execute(up())
    assert History(exists=False) == database.rows


async def test_a_baseline_is_recorded_under_the_lock_and_told() -> None:
    """Then the run goes on behind it."""
    database, told = FakeDatabase(residents=THEIRS), Told()
    run = run_on(database, told=told, policy=Policy(baseline="2"))
    await run.execute(up())
    assert [("2", "applied"), ("3", "applied")] == database.states
    assert "edit" == database.calls[database.calls.index("residents") + 3]
    assert [
        "RunStarted",
        "LockAcquired",
        "BaselineRecorded 2",
        "MigrationStarted 3",
        "MigrationApplied 3",
        "RunFinished",
    ] == told.words
    report = await run.report(up(), 0)
    assert (FILES[1].version, ["3"]) == (report.baseline, [entry.key for entry in report.entries])


async def test_tables_of_a_runner_that_has_just_begun_are_no_riddle() -> None:
    """Where nobody keeps the lock between two messages, its history comes along with its tables."""
    database = FakeDatabase()

    def begin() -> None:
        database.residents = THEIRS
        database.perform(*edits(History(), up(to=1), FILES))

    database.asked = hooks(begin)
    await run_on(database).execute(up())
    assert [("1", "applied"), ("2", "applied"), ("3", "applied")] == database.states


async def test_a_baseline_that_another_runner_records_first_is_not_recorded_again() -> None:
    """Its row moves the history, so that ours is refused, and we go on behind it."""
    database, told = FakeDatabase(residents=THEIRS), Told()

    def record() -> None:
        database.perform(*plan_baseline(FILES, History(), "2").edits)

    database.before = hooks(record, None)
    run = run_on(database, told=told, policy=Policy(baseline="2"))
    await run.execute(up())
    assert [("2", "applied"), ("3", "applied")] == database.states
    assert (None, 0) == (run.baseline, told.words.count("BaselineRecorded 2"))
