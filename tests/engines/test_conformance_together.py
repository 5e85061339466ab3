"""What every engine must do, part 5: several steps in a single transaction, all of them or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import InvalidMigrationError, MigrationFailedError
from asyncmig.history import Failure, Generation, History, RowState
from asyncmig.plan import make_plan
from tests.engines.lab import (
    LAX,
    UP,
    Lab,
    Seen,
    history_of,
    locked,
    python,
    repeatable,
    run,
    share_of,
    sql,
    together,
)

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
ROWS = python("2", "await connection.execute('INSERT INTO users VALUES (1), (2)')")
POSTS = sql("3", "CREATE TABLE posts (id integer PRIMARY KEY);")
REPORT = repeatable("report", "CREATE VIEW report AS SELECT count(*) AS n FROM users;")
BROKEN = sql("4", "CREATE TABLE half (id integer);\nINSERT INTO nowhere VALUES (1);")


async def test_all_of_them_are_committed_with_their_rows(lab: Lab) -> None:
    """SQL, Python and repeatables; each has a row of its own, as always."""
    entries = await together(lab.engine, USERS, ROWS, POSTS, REPORT)

    assert History(entries) == await history_of(lab.engine)
    assert [(1, "1"), (2, "2"), (3, "3"), (4, "R__report")] == [(e.id, e.key) for e in entries]
    assert {RowState.APPLIED} == {entry.state for entry in entries}
    assert {"users", "posts"} == await lab.tables()
    assert [(2,)] == [tuple(row) for row in await lab.query("SELECT n FROM report")]


async def test_they_join_what_was_applied_before(lab: Lab) -> None:
    """The numbers of the rows go on, and a repeatable takes the place of its former self."""
    await run(lab.engine, USERS, REPORT)
    again = repeatable("report", "DROP VIEW report;\nCREATE VIEW report AS SELECT 7 AS n;")

    await together(lab.engine, USERS, ROWS, POSTS, again)

    assert [
        (1, "1", "applied"),
        (2, "R__report", "superseded"),
        (3, "2", "applied"),
        (4, "3", "applied"),
        (5, "R__report", "applied"),
    ] == [(e.id, e.key, e.state.value) for e in await history_of(lab.engine)]
    assert [(7,)] == [tuple(row) for row in await lab.query("SELECT n FROM report")]


async def test_a_failure_takes_all_of_them_back(lab: Lab) -> None:
    """Nothing remains of any of them; the error has the place in the file that failed."""
    with pytest.raises(MigrationFailedError, match="nowhere") as caught:
        await together(lab.engine, USERS, ROWS, POSTS, BROKEN, REPORT)

    error = caught.value
    assert ("4", "4_some.sql", 2, 13) == (error.version, error.file, error.line, error.column)
    assert History() == await history_of(lab.engine)
    assert set() == await lab.tables()


async def test_python_that_raises_takes_all_of_them_back(lab: Lab) -> None:
    """As a statement that is refused does."""
    with pytest.raises(MigrationFailedError, match="ZeroDivisionError") as caught:
        await together(lab.engine, USERS, POSTS, python("4", "1 / 0"))

    assert ("4", 2) == (caught.value.version, caught.value.line)
    assert History() == await history_of(lab.engine)
    assert set() == await lab.tables()


async def test_what_is_no_migration_is_found_before_anything_stays(lab: Lab) -> None:
    """Whatever goes wrong in the middle, nothing of what came before it remains."""
    broken = python("2", "pass")
    broken_source = "up = 7\n"
    object.__setattr__(broken.up, "source", broken_source)

    with pytest.raises(InvalidMigrationError):
        await together(lab.engine, USERS, broken)

    assert History() == await history_of(lab.engine)
    assert set() == await lab.tables()


async def test_the_session_goes_on_after_a_failure(lab: Lab) -> None:
    """The lock is still held: the failure can be recorded, and another try succeeds."""
    async with locked(lab.engine) as session:
        history = await session.history()
        steps = make_plan([USERS, BROKEN], history, UP, LAX).steps
        shares = [share_of(step, Seen()) for step in steps]
        with pytest.raises(MigrationFailedError):
            await session.apply_together(shares, history.generation)
        await session.record_failure(steps[1], Failure("it failed", "42P01", 2, 13))
        await session.apply_together(shares[:1], Generation(1))

    assert [("4", "failed"), ("1", "applied")] == [
        (entry.key, entry.state.value) for entry in await history_of(lab.engine)
    ]


async def test_nobody_sees_a_part_of_them(lab: Lab) -> None:
    """Before the COMMIT there is nothing of those that are done."""
    found: list[object] = []

    async def look() -> None:
        found.append((await lab.tables(), await history_of(lab.engine)))

    async with locked(lab.engine) as session:
        history = await session.history()
        shares = [
            share_of(step, Seen(), look)
            for step in make_plan([USERS, ROWS, POSTS], history, UP, LAX).steps
        ]
        await session.apply_together(shares, history.generation)

    assert [(set(), History())] * 3 == found


async def test_a_history_that_moved_lets_none_of_them_run(lab: Lab) -> None:
    """The plan is compared inside the transaction, as for a single step."""
    seen = Seen()
    async with locked(lab.engine) as session:
        steps = make_plan([USERS, POSTS], History(), UP, LAX).steps
        with pytest.raises(HistoryMovedError):
            await session.apply_together([share_of(s, seen) for s in steps], Generation(7))

    assert (0, set()) == (seen.started, await lab.tables())


async def test_what_one_leaves_does_not_reach_the_next(engine: Engine) -> None:
    """A temporary table is gone, as if the next one had a session of its own."""
    first = sql("1", "CREATE TEMPORARY TABLE notes (id integer);")
    second = python("2", "await connection.execute('CREATE TEMPORARY TABLE notes (id integer)')")
    third = sql("3", "CREATE TEMPORARY TABLE notes (id integer);\nCREATE TABLE kept (id integer);")

    await together(engine, first, second, third)

    assert ["1", "2", "3"] == [entry.key for entry in await history_of(engine)]


async def test_each_is_told_as_it_starts(lab: Lab) -> None:
    """One start for each of them, and no retry."""
    seen = Seen()

    await together(lab.engine, USERS, ROWS, POSTS, seen=seen)

    assert (3, []) == (seen.started, seen.retries)


async def test_a_cancellation_takes_all_of_them_back(lab: Lab) -> None:
    """Also of those that were done, and soon."""
    seen = Seen()
    task = asyncio.create_task(
        together(lab.engine, USERS, ROWS, sql("3", f"{lab.slow};"), BROKEN, seen=seen)
    )
    with anyio.fail_after(20):
        while seen.started < 3:  # noqa: ASYNC110 - the sessions tell of a start in a callback
            await anyio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert History() == await history_of(lab.engine)
    assert set() == await lab.tables()


async def test_a_step_takes_its_own_time(lab: Lab) -> None:
    """The clock of a row starts with its step, not with the transaction."""
    first, second = await together(lab.engine, USERS, ROWS)

    assert first.finished_at is not None
    assert second.finished_at is not None
    assert second.started_at >= first.finished_at
    longest = (second.finished_at - second.started_at).total_seconds() * 1000 + 1
    assert 0 <= (second.duration_ms or 0) <= longest
