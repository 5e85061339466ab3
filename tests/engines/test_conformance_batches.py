"""What every engine must do, part 4: migrations that run in batches."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import (
    IncompleteMigrationError,
    InvalidMigrationError,
    MigrationFailedError,
)
from asyncmig.history import Batches, Generation, History, Progress, RowState
from asyncmig.migration import Batching, PythonScript
from asyncmig.repair import Decision, plan_repair
from tests.engines.lab import (
    DOWN,
    RIVAL,
    Lab,
    Seen,
    first_step,
    history_of,
    in_batches,
    locked,
    python_batches,
    run,
    sql,
)

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import Migration

ROWS = 1000
HUNDREDS = ", ".join(f"({number})" for number in range(1, ROWS + 1))
TABLE = sql(
    "1",
    "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);\n"
    f"INSERT INTO t (id) VALUES {HUNDREDS};",
)
STATEMENT = "UPDATE t SET n = n + 1\nWHERE id IN (SELECT id FROM t WHERE n = 0 LIMIT :batch_size)"
COUNT = in_batches("2", STATEMENT)
PARAMETERS = """
ids = [row[0] for row in await fetch(batch.connection, batch.after or 0, batch.size)]
listed = ", ".join(map(str, ids)) or "NULL"
await batch.connection.execute(f"UPDATE t SET n = n + 1 WHERE id IN ({listed})")
"""
FETCH = """
async def fetch(connection, after, size):
    query = f"SELECT id FROM t WHERE id > {after} ORDER BY id LIMIT {size}"
    if hasattr(connection, "fetch"):
        return await connection.fetch(query)
    return await connection.execute_fetchall(query)
"""


def with_cursor(source: str, *, size: int = 100) -> Migration:
    """Return a migration in Python that goes through the rows by a cursor, on both databases."""
    body = "\n".join(FETCH.strip().splitlines() + PARAMETERS.strip().splitlines())
    return python_batches("2", f"{body}\n{source}", size=size)


BY_CURSOR = with_cursor("return max(ids, default=None)")


async def counted(lab: Lab) -> list[tuple[int, int]]:
    """Return how many rows were changed how often."""
    return await lab.query("SELECT n, count(*) FROM t GROUP BY n ORDER BY n")


async def row_of(engine: Engine) -> HistoryEntry:
    """Return the row of the second migration."""
    return next(row for row in await history_of(engine) if row.id == 2)


async def stopped_after(lab: Lab, migration: Migration, batches: int) -> HistoryEntry:
    """Cancel a migration once so many of its batches are committed, and return its row."""
    await run(lab.engine, TABLE)
    task: asyncio.Task[list[HistoryEntry]] | None = None
    seen = Seen()

    def stop() -> None:
        assert task is not None
        if len(seen.progress) == batches:
            task.cancel()

    seen.on_progress = stop
    task = asyncio.create_task(run(lab.engine, TABLE, migration, seen=seen))
    with pytest.raises(asyncio.CancelledError):
        await task
    return await row_of(lab.engine)


@pytest.mark.parametrize("migration", [COUNT, BY_CURSOR], ids=["sql", "python"])
async def test_batches_change_every_row_once(lab: Lab, migration: Migration) -> None:
    """As many as it takes, and the row says that it is done."""
    _, entry = await run(lab.engine, TABLE, migration)
    assert [(1, ROWS)] == await counted(lab)
    assert (2, RowState.APPLIED) == (entry.id, entry.state)
    assert entry.progress is not None
    assert (1, None) == (len(entry.progress.done), entry.progress.started)
    assert [] == await run(lab.engine, TABLE, migration)


async def test_rows_are_counted_for_sql(engine: Engine) -> None:
    """The database says how many a statement has changed; nobody does so for Python."""
    _, entry = await run(engine, TABLE, COUNT)
    assert entry.progress is not None
    assert entry.progress.batches is not None
    assert (ROWS, "null") == (entry.progress.batches.rows, entry.progress.batches.cursor)


async def test_the_last_cursor_stays_in_the_row(engine: Engine) -> None:
    """It says how far the function got."""
    _, entry = await run(engine, TABLE, BY_CURSOR)
    assert entry.progress is not None
    assert entry.progress.batches is not None
    assert (None, str(ROWS)) == (entry.progress.batches.rows, entry.progress.batches.cursor)


@pytest.mark.parametrize("migration", [COUNT, BY_CURSOR], ids=["sql", "python"])
async def test_a_cancelled_migration_goes_on_behind_its_last_batch(
    lab: Lab, migration: Migration
) -> None:
    """By itself, in another run, and no row is changed twice."""
    row = await stopped_after(lab, migration, 1)
    assert RowState.APPLYING is row.state
    assert row.progress is not None
    assert row.progress.batches is not None
    assert 1 == row.progress.batches.count
    assert [(0, ROWS - 100), (1, 100)] == await counted(lab)
    (entry,) = await run(lab.engine, TABLE, migration, runner=RIVAL)
    assert (2, RowState.APPLIED, "run-2") == (entry.id, entry.state, entry.run_id)
    assert [(1, ROWS)] == await counted(lab)


async def test_what_has_run_in_part_and_was_changed_is_a_question(lab: Lab) -> None:
    """Nobody can tell what the rows that are done should look like; comments do not matter."""
    before = await stopped_after(lab, COUNT, 1)
    changed = in_batches("2", STATEMENT.replace("n + 1", "n + 2"))
    with pytest.raises(IncompleteMigrationError, match="1 batch is done"):
        await run(lab.engine, TABLE, changed)
    assert before == await row_of(lab.engine)
    (entry,) = await run(lab.engine, TABLE, in_batches("2", f"-- the same\n{STATEMENT};"))
    assert RowState.APPLIED is entry.state


async def test_a_person_may_say_that_the_new_text_goes_on(lab: Lab) -> None:
    """Behind the last batch: what is done stays as it is."""
    await stopped_after(lab, COUNT, 1)
    changed = in_batches("2", STATEMENT.replace("n + 1", "n + 2"))
    async with locked(lab.engine) as session:
        history = await session.history()
        (edit,) = plan_repair([TABLE, changed], history, Decision.ACCEPT, "2").edits
        await session.edit(edit, history.generation)
    (entry,) = await run(lab.engine, TABLE, changed)
    assert (3, RowState.APPLIED, "run") == (entry.id, entry.state, entry.origin)
    assert [(1, 100), (2, ROWS - 100)] == await counted(lab)


async def test_a_file_that_no_longer_runs_in_batches_is_a_question(lab: Lab) -> None:
    """It would begin anew with what is done in part."""
    await stopped_after(lab, COUNT, 1)
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, TABLE, sql("2", "UPDATE t SET n = n + 1"))
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, TABLE, sql("2", "UPDATE t SET n = n + 1", transaction=False))


async def test_a_file_that_runs_in_batches_only_now_is_a_question(lab: Lab) -> None:
    """Its statements have run one by one."""
    stepwise = sql("2", f"{STATEMENT.replace(':batch_size', '9')};\nNONSENSE", transaction=False)
    with pytest.raises(MigrationFailedError):
        await run(lab.engine, TABLE, stepwise)
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, TABLE, COUNT)


async def test_a_failure_takes_its_own_batch_back_alone(lab: Lab) -> None:
    """The error names the place in the file; a first batch that failed may be corrected."""
    await run(lab.engine, TABLE)
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, TABLE, in_batches("2", STATEMENT.replace("n = 0", "wrong = 0")))
    assert (2, 37) == (caught.value.line, caught.value.column)
    row = await row_of(lab.engine)
    assert row.progress is not None
    assert Batches() == row.progress.batches
    (entry,) = await run(lab.engine, TABLE, COUNT)
    assert RowState.APPLIED is entry.state
    assert [(1, ROWS)] == await counted(lab)


async def test_a_failing_function_leaves_the_batches_before_it(lab: Lab) -> None:
    """What the failing call did is gone, and the cursor is that of the last good one."""
    source = "if batch.after:\n    raise ValueError('stop')\nreturn max(ids, default=None)"
    with pytest.raises(MigrationFailedError, match="ValueError: stop"):
        await run(lab.engine, TABLE, with_cursor(source))
    assert [(0, ROWS - 100), (1, 100)] == await counted(lab)
    row = await row_of(lab.engine)
    assert row.progress is not None
    assert row.progress.batches is not None
    assert (1, "100") == (row.progress.batches.count, row.progress.batches.cursor)


async def test_a_statement_that_goes_round_and_round_is_stopped(lab: Lab) -> None:
    """Once it has changed far more rows than there are."""
    endless = in_batches("2", STATEMENT.replace("WHERE n = 0 ", ""))
    with pytest.raises(MigrationFailedError, match="round and round"):
        await run(lab.engine, TABLE, endless)


async def test_a_cursor_that_stands_still_is_refused(lab: Lab) -> None:
    """The function would be called with it for ever; what the call did is rolled back."""
    with pytest.raises(MigrationFailedError, match="the cursor that it was given, 7"):
        await run(lab.engine, TABLE, with_cursor("return 7"))
    assert [(0, ROWS - 100), (1, 100)] == await counted(lab)


async def test_a_cursor_comes_back_as_json_brings_it(lab: Lab) -> None:
    """Always, and not only after a kill: else a function would fail only then."""
    source = (
        "assert batch.after in (None, [1, 'a'])\nreturn (1, 'a') if batch.after is None else None"
    )
    _, entry = await run(lab.engine, TABLE, python_batches("2", source))
    assert entry.progress is not None
    assert entry.progress.batches is not None
    assert '[1, "a"]' == entry.progress.batches.cursor


async def test_what_json_cannot_hold_is_no_cursor(lab: Lab) -> None:
    """The error says what to return instead."""
    with pytest.raises(MigrationFailedError, match="`object` is no cursor") as caught:
        await run(lab.engine, TABLE, with_cursor("return object()"))
    assert "return what JSON can hold" in caught.value.hint
    assert [(0, ROWS)] == await counted(lab)


async def test_a_function_that_is_not_as_it_was_read_is_refused(lab: Lab) -> None:
    """How it is called was read from the text of the file; it runs in no other way."""
    read = python_batches("2", "return None")
    assert isinstance(read.up, PythonScript)
    script = replace(read.up, batching=Batching(size=50))
    with pytest.raises(InvalidMigrationError, match="runs in batches cannot be seen"):
        await run(lab.engine, TABLE, replace(read, up=script))


async def test_a_reversal_can_run_in_batches(lab: Lab) -> None:
    """Its row is that of any reversal, and both rows end together."""
    down = "UPDATE t SET n = 0 WHERE id IN (SELECT id FROM t WHERE n = 1 LIMIT :batch_size)"
    both = in_batches("2", STATEMENT, down)
    await run(lab.engine, TABLE, both)
    (entry,) = await run(lab.engine, TABLE, both, request=DOWN)
    assert RowState.REVERTED is entry.state
    assert [(0, ROWS)] == await counted(lab)
    states = [row.state for row in await history_of(lab.engine)]
    assert [RowState.APPLIED, RowState.REVERTED, RowState.REVERTED] == states


async def test_a_reversal_in_batches_is_not_kept_in_the_history(engine: Engine) -> None:
    """Run once, it would be a syntax error, or all rows at once."""
    _, entry = await run(engine, TABLE, in_batches("2", STATEMENT, STATEMENT))
    assert entry.down_sql is None


async def test_nothing_runs_when_the_history_has_moved(lab: Lab) -> None:
    """The row is not written, so nothing has begun."""
    await run(lab.engine, TABLE)
    async with locked(lab.engine) as session:
        with pytest.raises(HistoryMovedError):
            await session.apply(first_step(History(), COUNT), Generation(5, 0), Seen().events)
    assert 1 == len(await history_of(lab.engine))
    assert [(0, ROWS)] == await counted(lab)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE asyncmig_history SET state = 'reverted' WHERE id = 2",
        "UPDATE asyncmig_history SET checksum = 'of another text' WHERE id = 2",
        "UPDATE asyncmig_history SET id = 3 WHERE id = 1",
    ],
)
async def test_a_batch_does_not_run_when_somebody_has_changed_the_history(
    lab: Lab, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them looks at the history, and at its own row, inside its transaction."""

    async def meddle(_seconds: float) -> None:
        await lab.query(f"{change} RETURNING id")

    monkeypatch.setattr("asyncmig.engines.postgres.batched.pause", meddle)
    monkeypatch.setattr("asyncmig.engines.sqlite.batched.pause", meddle)
    with pytest.raises(HistoryMovedError):
        await run(lab.engine, TABLE, COUNT)
    assert [(0, ROWS - 100), (1, 100)] == await counted(lab)


async def test_it_goes_on_where_the_row_says_and_not_the_plan(lab: Lab) -> None:
    """Another runner may have gone on since the plan was made: its batches are not done again."""
    row = await stopped_after(lab, BY_CURSOR, 1)
    assert row.progress is not None
    planned = replace(row, progress=replace(row.progress, batches=Batches()))
    async with locked(lab.engine) as session:
        history = await session.history()
        step = replace(first_step(History(), BY_CURSOR), resumes=planned)
        entry = await session.apply(step, history.generation, Seen().events)
    assert RowState.APPLIED is entry.state
    assert [(1, ROWS)] == await counted(lab)


async def test_nobody_goes_on_where_a_row_no_longer_says_how_far_it_is(lab: Lab) -> None:
    """A COMMIT of the author's own has left it so since the plan was made: a person decides."""
    row = await stopped_after(lab, BY_CURSOR, 1)
    await lab.query("UPDATE asyncmig_history SET progress = NULL WHERE id = 2 RETURNING id")
    async with locked(lab.engine) as session:
        history = await session.history()
        step = replace(first_step(History(), BY_CURSOR), resumes=row)
        with pytest.raises(HistoryMovedError):
            await session.apply(step, history.generation, Seen().events)
    with pytest.raises(IncompleteMigrationError):
        await run(lab.engine, TABLE, BY_CURSOR)


async def test_progress_is_told(lab: Lab) -> None:
    """The first batch at once, with all that is known."""
    seen = Seen()
    await run(lab.engine, TABLE)
    await run(lab.engine, TABLE, COUNT, seen=seen)
    batches, forecast = seen.progress[0]
    assert (1, 100, 100, 100) == (batches.count, batches.rows, batches.size, forecast.rows)
    assert 1 == seen.started


async def test_a_row_says_how_far_it_is(lab: Lab) -> None:
    """In words that a release without batches does not go on with."""
    row = await stopped_after(lab, COUNT, 1)
    assert row.progress is not None
    assert row.progress.batches is not None
    spent = row.progress.batches.spent_ms
    assert Progress((), row.progress.started, Batches(1, 100, "null", 100, spent)) == row.progress
    assert row.progress.started is not None
