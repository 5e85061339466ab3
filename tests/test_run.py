"""One run, on an engine without a database: what it locks, plans again, applies and tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import (
    AsyncmigError,
    ChangedMigrationError,
    MigrationFailedError,
)
from asyncmig.plan import make_plan
from asyncmig.request import Policy
from tests.fake_engine import (
    FILES,
    ONE,
    THREE,
    TWO,
    FakeDatabase,
    Told,
    applied_row,
    begun,
    edits,
    failed,
    hooks,
    run_on,
)
from tests.values import applied, down, in_python, up, versioned

if TYPE_CHECKING:
    from asyncmig.history import History
    from asyncmig.migration import Migration
    from asyncmig.request import Request


@pytest.mark.parametrize("request_", [up(), up(to=2), up(steps=1), down(to=3)])
async def test_nothing_is_locked_when_nothing_is_to_do(request_: Request) -> None:
    """One look, and the run is over."""
    database, told = FakeDatabase(applied(*FILES)), Told()
    run = run_on(database, told=told)
    await run.execute(request_)
    assert ["open", "history", "close"] == database.calls
    assert ["RunStarted", "RunFinished"] == told.words
    assert ([], applied(*FILES), 0.0) == (run.entries, run.history, run.waited)


async def test_what_is_pending_is_applied_under_one_lock() -> None:
    """Planned again from the history that is seen under the lock."""
    database, told = FakeDatabase(applied(ONE)), Told()
    run = run_on(database, told=told)
    await run.execute(up())
    assert "up 2, up 3, unlock, close" == ", ".join(database.calls[-4:])
    assert ["open", "history", "lock"] == database.calls[:3]
    assert 1 == database.calls.count("lock")
    assert [
        "RunStarted",
        "LockAcquired",
        "MigrationStarted 2",
        "MigrationApplied 2",
        "MigrationStarted 3",
        "MigrationApplied 3",
        "RunFinished",
    ] == told.words
    assert (("2", "3"), None) == told.end
    assert (list(database.rows)[1:], database.rows, 0.25) == (run.entries, run.history, run.waited)


async def test_a_session_sees_few_steps_at_a_time() -> None:
    """What a thousand bring along would have Python look for garbage in the middle of the run."""
    database = FakeDatabase()
    files = [versioned(n) for n in range(1, 46)]
    await run_on(database, files).execute(up())
    assert [*range(20, 0, -1), *range(20, 0, -1), *range(5, 0, -1)] == database.in_sight


async def test_a_reversal_is_told_as_one() -> None:
    """Newest first."""
    database, told = FakeDatabase(applied(*FILES)), Told()
    await run_on(database, told=told).execute(down(to=1))
    assert [
        "MigrationStarted 3",
        "MigrationReverted 3",
        "MigrationStarted 2",
        "MigrationReverted 2",
    ] == told.words[2:-1]


async def test_a_retry_is_told() -> None:
    """Between the start and the end of its migration."""
    database, told = FakeDatabase(retries={"1": 2}), Told()
    await run_on(database, told=told).execute(up(steps=1))
    assert [
        "MigrationStarted 1",
        "MigrationRetrying 1",
        "MigrationRetrying 1",
        "MigrationApplied 1",
    ] == told.words[2:-1]


async def test_an_unfinished_migration_is_resumed_under_the_lock() -> None:
    """Its row is finished, none is appended, and the event says that it was resumed."""
    database, told = FakeDatabase(), Told()
    first = make_plan(FILES, database.rows, up(), Policy()).steps[0]
    database.append(begun(first))
    await run_on(database, told=told).execute(up(to=1))
    assert [("1", "applied")] == database.states
    assert [True] == [event.resumed for event in told.events if hasattr(event, "resumed")]


async def test_only_a_python_migration_gets_structlogs_context() -> None:
    """A run of SQL alone never loads structlog for it."""
    seen: list[dict[str, object]] = []
    python = in_python(1)

    def look() -> None:
        import structlog

        seen.append(structlog.contextvars.get_contextvars())

    database = FakeDatabase(before=hooks(look, look))
    await run_on(database, [python, TWO]).execute(up())
    assert [{"run_id": "r1", "version": "1"}, {}] == seen


# --- the history moves ------------------------------------------------------------------------


async def test_the_plan_is_made_again_when_the_history_moved() -> None:
    """Another runner went down, or up, between two transactions: nothing runs from an old plan."""
    database, told = FakeDatabase(), Told()
    database.before = hooks(
        None,
        lambda: database.perform(*edits(database.rows, down())),  # 1, which this run applied
        None,
        lambda: database.perform(*edits(database.rows, up(to=2))),
    )
    await run_on(database, told=told).execute(up())
    assert ["up 1", "up 1", "up 3"] == [call for call in database.calls if call.startswith("up")]
    assert (("1", "1", "3"), None) == told.end
    assert [] == edits(database.rows, up())


async def test_steps_are_counted_across_plans() -> None:
    """Two steps are two, also when the history moved after the first."""
    database = FakeDatabase(applied(*FILES))
    four = versioned(4)
    database.before = hooks(None, lambda: database.append(applied_row(four)))
    await run_on(database, [*FILES, four]).execute(down(steps=2))
    assert ["down 3", "down 4"] == [call for call in database.calls if call.startswith("down")]


async def test_what_is_found_under_the_lock_may_refuse_the_run() -> None:
    """Another runner applied another text meanwhile."""
    other = versioned(2, text="SELECT 'other'")
    database = FakeDatabase(applied(ONE))
    database.before = hooks(lambda: database.append(applied_row(other)))
    with pytest.raises(ChangedMigrationError):
        await run_on(database).execute(up())
    assert ["unlock", "close"] == database.calls[-2:]


# --- redo -------------------------------------------------------------------------------------


async def test_redo_reverts_and_applies_the_newest_under_one_lock() -> None:
    """What is pending above it stays so."""
    database, told = FakeDatabase(applied(ONE, TWO)), Told()
    run = run_on(database, told=told)
    await run.redo()
    assert ["down 2", "up 2"] == [call for call in database.calls if call[-2:] == " 2"]
    assert 1 == database.calls.count("lock")
    assert ([("2", "reverted"), ("2", "applied")], ("2", "2")) == (
        [(entry.key, entry.state.value) for entry in run.entries],
        told.end[0],
    )


async def test_redo_of_nothing_does_nothing() -> None:
    """And takes no lock."""
    database = FakeDatabase()
    await run_on(database).redo()
    assert ["open", "history", "close"] == database.calls


async def test_redo_is_done_when_another_runner_reverted_everything_meanwhile() -> None:
    """There is nothing left to do again; that is no error."""
    database = FakeDatabase(applied(ONE), holder="r0")
    database.polls.append(lambda: database.perform(*edits(database.rows, down())))
    run = run_on(database)
    await run.redo()
    assert ([], [("1", "reverted"), ("1", "reverted")]) == (run.entries, database.states)


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([versioned(1, text="SELECT 'edited'"), TWO], applied(ONE, TWO)),
        ([TWO], applied(ONE, TWO)),
        ([ONE, TWO, THREE], applied(ONE, THREE)),
    ],
)
async def test_redo_reverts_nothing_that_it_could_not_apply_again(
    files: list[Migration], rows: History
) -> None:
    """What refuses the way up (edited, missing, out of order) refuses it before the way down."""
    database = FakeDatabase(rows)
    with pytest.raises(AsyncmigError):
        await run_on(database, files).redo()
    assert rows == database.rows


async def test_redo_whose_way_up_fails_says_what_it_did() -> None:
    """The migration is reverted then, and the error carries that."""
    database = FakeDatabase(applied(ONE, TWO))
    database.before = hooks(None, lambda: database.failures.update({"2": failed()}))
    with pytest.raises(MigrationFailedError) as caught:
        await run_on(database).redo()
    assert [("2", "reverted")] == [(e.key, e.state.value) for e in caught.value.applied]
