"""What every engine must do, part 2: migrations that run without a transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import IncompleteMigrationError, MigrationFailedError
from asyncmig.history import Generation, History, Progress, RowState
from asyncmig.migration import Direction
from tests.engines.lab import (
    DOWN,
    RIVAL,
    Lab,
    Seen,
    first_step,
    history_of,
    locked,
    python,
    run,
    sql,
)

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import Migration

USERS = "CREATE TABLE users (id integer PRIMARY KEY);\n"


def stepwise(text: str, down: str | None = None) -> Migration:
    """Return a migration that runs statement by statement."""
    return sql("1", text, down, transaction=False)


async def only_row(engine: Engine) -> HistoryEntry:
    """Return the one row of the history."""
    (row,) = await history_of(engine)
    return row


async def test_each_statement_commits_with_its_progress(engine: Engine) -> None:
    """Also one that no transaction can hold."""
    (entry,) = await run(engine, stepwise(f"{USERS}VACUUM;\nINSERT INTO users VALUES (1);"))
    assert entry.state is RowState.APPLIED
    assert entry.progress is not None
    assert (3, None) == (len(entry.progress.done), entry.progress.started)


async def test_what_is_before_a_failure_stays(lab: Lab) -> None:
    """The row says how far it got, and the error names the place."""
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, stepwise(f"{USERS}INSERT INTO users VALUES (1);\nNONSENSE;"))
    assert (3, 1) == (caught.value.line, caught.value.column)
    row = await only_row(lab.engine)
    assert row.state is RowState.APPLYING
    assert row.progress is not None
    assert (2, None) == (len(row.progress.done), row.progress.started)
    assert [(1,)] == await lab.query("SELECT id FROM users")


async def test_a_corrected_file_goes_on_where_it_stopped(lab: Lab) -> None:
    """Only the rest runs, and the row is finished as the corrected file."""
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, stepwise(f"{USERS}INSERT INTO users VALUES (1);\nNONSENSE;"))
    corrected = stepwise(f"{USERS}INSERT INTO users VALUES (1);\nINSERT INTO users VALUES (2);")
    (entry,) = await run(lab.engine, corrected, runner=RIVAL)
    assert [(1,), (2,)] == await lab.query("SELECT id FROM users ORDER BY id")
    assert (1, RowState.APPLIED, corrected.checksum) == (entry.id, entry.state, entry.checksum)
    assert [] == await run(lab.engine, corrected)


async def test_a_file_that_was_changed_where_it_has_run_is_refused(lab: Lab) -> None:
    """Nobody can tell what the database holds then."""
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, stepwise(f"{USERS}NONSENSE;"))
    before = await only_row(lab.engine)
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, stepwise("CREATE TABLE others (id integer);\nSELECT 1;"))
    assert ({"users"}, before) == (await lab.tables(), await only_row(lab.engine))


async def test_a_failing_vacuum_is_not_in_doubt(lab: Lab) -> None:
    """The database has refused it, so the file may be corrected there."""
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, stepwise(f"{USERS}VACUUM nowhere;"))
    row = await only_row(lab.engine)
    assert row.progress is not None
    assert row.progress.started is None
    (entry,) = await run(lab.engine, stepwise(f"{USERS}VACUUM;"))
    assert entry.state is RowState.APPLIED


async def test_a_vacuum_that_was_killed_is_repeated(lab: Lab) -> None:
    """It does no harm to run it twice."""
    migration = stepwise(f"{USERS}VACUUM;")
    (entry,) = await run(lab.engine, migration)
    assert entry.progress is not None
    users, vacuum = entry.progress.done
    killed = f'{{"done": ["{users}"], "started": "{vacuum}"}}'
    await lab.query(
        f"UPDATE asyncmig_history SET state = 'applying', progress = '{killed}', "
        "finished_at = NULL, duration_ms = NULL"
    )
    assert Progress((users,), vacuum) == (await only_row(lab.engine)).progress
    (again,) = await run(lab.engine, migration)
    assert (entry.id, entry.progress, RowState.APPLIED) == (again.id, again.progress, again.state)


async def test_a_block_of_the_authors_own_stays_together(lab: Lab) -> None:
    """BEGIN … COMMIT in such a file is one unit: all of it or nothing."""
    text = f"{USERS}BEGIN;\nINSERT INTO users VALUES (1);\nNONSENSE;\nCOMMIT;"
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, stepwise(text))
    assert [] == await lab.query("SELECT id FROM users")


async def test_an_empty_script_counts_as_applied(engine: Engine) -> None:
    """Also without a transaction."""
    (entry,) = await run(engine, stepwise("-- nothing\n"))
    assert RowState.APPLIED is entry.state


async def test_a_reversal_keeps_the_row_it_reverts_until_the_end(lab: Lab) -> None:
    """It may have to be gone on with, and the migration is still there in part."""
    down = "DROP TABLE more;\nDROP TABLE users;"
    await run(lab.engine, stepwise(f"{USERS}CREATE TABLE more (id integer);", f"{down}\nNONSENSE"))
    broken = stepwise(f"{USERS}CREATE TABLE more (id integer);", "DROP TABLE more;\nNONSENSE")
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, broken, request=DOWN)
    states = [(row.direction, row.state) for row in await history_of(lab.engine)]
    assert [(Direction.UP, RowState.APPLIED), (Direction.DOWN, RowState.APPLYING)] == states
    corrected = stepwise(f"{USERS}CREATE TABLE more (id integer);", down)
    await run(lab.engine, corrected, request=DOWN)
    states = [(row.direction, row.state) for row in await history_of(lab.engine)]
    assert [(Direction.UP, RowState.REVERTED), (Direction.DOWN, RowState.REVERTED)] == states
    assert set() == await lab.tables()


async def test_nothing_runs_when_the_history_has_moved(lab: Lab) -> None:
    """The row is not written, so nothing has begun."""
    async with locked(lab.engine) as session:
        step = first_step(History(), stepwise(USERS))
        with pytest.raises(HistoryMovedError):
            await session.apply(step, Generation(5, 0), Seen().events)
        assert History() == await session.history()
    assert set() == await lab.tables()


async def test_a_cancelled_file_goes_on_where_it_stopped(lab: Lab) -> None:
    """What was done is done, the statement that ran is rolled back."""
    slow = stepwise(f"{USERS}{lab.slow};\nINSERT INTO users VALUES (1);")
    task = asyncio.create_task(run(lab.engine, slow))
    await anyio.sleep(0.5)
    task.cancel()
    with anyio.fail_after(4), pytest.raises(asyncio.CancelledError):
        await task
    assert (await only_row(lab.engine)).state is RowState.APPLYING
    await run(lab.engine, stepwise(f"{USERS}INSERT INTO users VALUES (1);"), runner=RIVAL)
    assert [(1,)] == await lab.query("SELECT id FROM users")


async def test_python_without_a_transaction_commits_as_it_goes(lab: Lab) -> None:
    """The function decides, and the row is there from the start."""
    (entry,) = await run(
        lab.engine,
        python("1", f"await connection.execute('''{USERS}''')", transaction=False),
    )
    assert (RowState.APPLIED, None) == (entry.state, entry.progress)
    assert {"users"} == await lab.tables()


async def test_python_that_stops_in_the_middle_is_for_a_person(lab: Lab) -> None:
    """What it did stays, and it is not run again."""
    source = f"await connection.execute('''{USERS}''')\n1 / 0"
    broken = python("1", source, transaction=False)
    with pytest.raises(MigrationFailedError, match="ZeroDivisionError"):
        await run(lab.engine, broken)
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, broken)
    assert {"users"} == await lab.tables()
