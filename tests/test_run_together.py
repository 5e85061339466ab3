"""Runs with a single transaction: what is told, what is refused, and what waiters make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator
from asyncmig.errors import MigrationFailedError, SingleTransactionError, TransactionLostError
from asyncmig.history import Failure, RowState
from asyncmig.migration import Batching, Direction, Phase
from asyncmig.request import Durability, Phases, Request
from tests.fake_engine import (
    ONE,
    THREE,
    TWO,
    FakeDatabase,
    Told,
    applied_row,
    edits,
    failed,
    hooks,
    run_on,
)
from tests.values import applied, in_python, repeatable, up

if TYPE_CHECKING:
    from asyncmig.migration import Migration, Script
    from tests.migration_folder import MigrationFolder

SINGLE = Request.up(single_transaction=True)
VIEWS = repeatable("views")


def with_script(migration: Migration, **options: object) -> Migration:
    """Return a migration whose script says something else."""
    script: Script = replace(migration.up, **options)  # type: ignore[arg-type]
    return replace(migration, up=script)


async def test_success_is_told_when_all_of_it_is_committed() -> None:
    """Each start as it comes; nothing else before the one COMMIT."""
    database, told = FakeDatabase(), Told()
    run = run_on(database, told=told)

    await run.execute(SINGLE)

    assert [("1", "applied"), ("2", "applied"), ("3", "applied")] == database.states
    assert ["begin", "up 1", "up 2", "up 3", "commit", "unlock", "close"] == database.calls[-7:]
    assert [
        *(f"MigrationStarted {number}" for number in (1, 2, 3)),
        *(f"MigrationApplied {number}" for number in (1, 2, 3)),
        "RunFinished",
    ] == told.words[-7:]
    assert (("1", "2", "3"), None) == told.end
    assert database.rows.entries == tuple(run.entries)
    assert database.rows == run.history


async def test_a_failure_names_what_was_rolled_back_with_it() -> None:
    """Nothing was applied; the failure is recorded for those who wait, and nothing else is."""
    error = failed()
    database, told = FakeDatabase(failures={"2": error}), Told()

    with pytest.raises(MigrationFailedError) as caught:
        await run_on(database, told=told).execute(SINGLE)

    assert error is caught.value
    assert (("1",), ()) == (error.rolled_back, error.applied)
    assert ["rolled back with it: 1"] == error.__notes__
    assert [("2", "failed")] == database.states
    assert Failure("migration 2 failed", "42P01", 7, 3) == database.rows.entries[0].failure
    assert [
        "MigrationStarted 1",
        "MigrationStarted 2",
        "MigrationFailed 2",
        "RunFinished",
    ] == told.words[-4:]
    assert ((), "migration 2 failed") == told.end


async def test_what_a_lost_transaction_took_along_is_not_claimed() -> None:
    """Its author may have committed it: nobody knows."""
    error = TransactionLostError("lost", version="2", direction=Direction.UP, file="2.py")

    with pytest.raises(TransactionLostError):
        await run_on(FakeDatabase(failures={"2": error})).execute(SINGLE)

    assert () == error.rolled_back


async def test_a_history_that_moved_is_planned_anew() -> None:
    """What another runner did in between is not done again."""
    database = FakeDatabase()
    database.before = hooks(
        lambda: database.perform(*edits(database.rows, up(to=1))), None, None, None
    )

    await run_on(database).execute(SINGLE)

    assert [("1", "applied"), ("2", "applied"), ("3", "applied")] == database.states
    calls = ["begin", "roll back", "history", "begin", "up 2", "up 3", "commit", "unlock", "close"]
    assert calls == database.calls[-9:]


async def test_nothing_pending_opens_no_transaction() -> None:
    """As for every other run."""
    database = FakeDatabase(rows=applied(ONE, TWO, THREE))

    await run_on(database).execute(SINGLE)

    assert ["open", "history", "close"] == database.calls


async def test_a_limit_holds() -> None:
    """`steps` and `to` say what belongs to it."""
    database = FakeDatabase()

    await run_on(database).execute(Request.up(steps=2, single_transaction=True))

    assert [("1", "applied"), ("2", "applied")] == database.states


@pytest.mark.parametrize("durability", Durability)
async def test_durability_changes_nothing(durability: Durability) -> None:
    """There is one COMMIT, and a flush after it at most."""
    database, told = FakeDatabase(), Told()

    await run_on(database, told=told, durability=durability).execute(SINGLE)

    flushes = ["flush"] if durability is Durability.RUN else []
    assert ["commit", *flushes, "unlock", "close"] == database.calls[-3 - len(flushes) :]
    assert (("1", "2", "3"), None) == told.end


OUTSIDE = "it runs outside a transaction"
IN_BATCHES = "it runs in batches, each in a transaction of its own"


@pytest.mark.parametrize(
    ("apart", "why"),
    [
        (with_script(TWO, transaction=False), OUTSIDE),
        (with_script(in_python(2), transaction=False), OUTSIDE),
        (with_script(TWO, batching=Batching(size=10)), IN_BATCHES),
    ],
    ids=["sql", "python", "batches"],
)
async def test_what_cannot_share_a_transaction_stops_the_run_before_it_begins(
    apart: Migration, why: str
) -> None:
    """The file is named; nothing was locked and nothing run."""
    database = FakeDatabase()

    with pytest.raises(SingleTransactionError) as caught:
        await run_on(database, [ONE, apart, THREE]).execute(SINGLE)

    assert (
        f"migration 2 cannot be part of a single transaction: {why} ({apart.path})"
    ) == caught.value.message
    assert ("2", apart.path) == (caught.value.version, caught.value.file)
    assert ["open", "history", "close"] == database.calls


async def test_only_what_is_to_run_has_to_fit() -> None:
    """What is applied, behind the target or of the other phase may be as it likes."""
    apart = with_script(THREE, transaction=False)
    later = with_script(apart, phase=Phase.POST)
    first = Request.up(to=2, single_transaction=True)
    all_but_later = Request.up(phase=Phases.PRE, single_transaction=True)
    database = FakeDatabase()

    await run_on(database, [ONE, TWO, apart]).execute(first)
    await run_on(database, [ONE, TWO, later, VIEWS]).execute(all_but_later)

    assert [("1", "applied"), ("2", "applied"), ("R__views", "applied")] == database.states


async def test_a_waiter_fails_as_the_holder_did_wherever_in_the_transaction_that_was() -> None:
    """It would come to the same migration, and nothing of those before it would stay."""
    database = FakeDatabase(holder="r0")
    failure = Failure("migration 2 failed", "42P01", 7, 3)

    def fail() -> None:
        row = replace(applied_row(TWO), state=RowState.FAILED, failure=failure)
        database.append(row)

    database.polls.append(fail)
    with pytest.raises(MigrationFailedError, match="another runner met this error"):
        await run_on(database).execute(SINGLE)

    assert [] == [call for call in database.calls if call.startswith("up")]


async def test_a_waiter_that_commits_each_goes_as_far_as_it_can() -> None:
    """What comes before the failure of a single transaction can be applied by itself."""
    database = FakeDatabase(holder="r0", failures={"2": failed()})

    def fail() -> None:
        failure = Failure("migration 2 failed", "42P01", 7, 3)
        database.append(replace(applied_row(TWO), state=RowState.FAILED, failure=failure))
        database.holder = None

    database.polls.append(fail)
    with pytest.raises(MigrationFailedError):
        await run_on(database).execute(up())

    assert ("1", "applied") in database.states


@pytest.mark.parametrize(
    ("setting", "said", "is_single"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
async def test_a_call_has_the_last_word_over_the_migrator(
    database_url: str,
    migration_folder: MigrationFolder,
    setting: bool,  # noqa: FBT001 - a parameter of a test
    said: bool | None,  # noqa: FBT001 - the same
    is_single: bool,  # noqa: FBT001 - the same
) -> None:
    """On both databases; without either, each migration has its own transaction."""
    migration_folder.write("1_users.sql", "CREATE TABLE users (id integer);\n")
    migration_folder.write("2_broken.sql", "INSERT INTO nowhere VALUES (1);\n")
    migrator = Migrator(database_url, migration_folder, single_transaction=setting, observer=None)

    with pytest.raises(MigrationFailedError) as caught:
        await migrator.up(single_transaction=said)

    assert (("1",) if is_single else ()) == caught.value.rolled_back
    assert (None if is_single else "1") == (
        None if (current := (await migrator.status()).current) is None else str(current)
    )
