"""What every engine must do, part 1: the history, the lock, and steps in a transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.base import HistoryMovedError, NothingToDo
from asyncmig.errors import InvalidMigrationError, LockTimeoutError, MigrationFailedError
from asyncmig.history import (
    Generation,
    History,
    HistoryEntry,
    RowState,
)
from asyncmig.migration import Direction, Kind, Version
from tests.engines.lab import (
    DOWN,
    EPOCH,
    RIVAL,
    RUNNER,
    Lab,
    Seen,
    facts,
    first_step,
    history_of,
    locked,
    python,
    repeatable,
    run,
    sql,
    wait_for,
)

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
ROWS = python("2", "await connection.execute('INSERT INTO users VALUES (1), (2)')")


# --- the history ------------------------------------------------------------------------------


async def test_a_new_database_has_no_history(engine: Engine) -> None:
    """Reading makes nothing: no file and no table."""
    assert History(exists=False) == await history_of(engine)
    assert History(exists=False) == await history_of(engine)


async def test_a_history_that_is_known_is_not_read_again(engine: Engine) -> None:
    """What was read is the answer until a row is appended."""
    await run(engine, USERS)
    async with engine.session(RUNNER) as session:
        known = await session.history()

        assert await session.history(known) is known

        await run(engine, USERS, ROWS, runner=RIVAL)

        assert await history_of(engine) == await session.history(known)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE asyncmig_history SET state = 'applying' WHERE id = 1",
        "UPDATE asyncmig_history SET state = 'applying' WHERE id = 2",
        "UPDATE asyncmig_history SET run_id = 'another' WHERE id = 2",
        "DELETE FROM asyncmig_history WHERE id = 2",
        "DROP TABLE asyncmig_history",
    ],
)
async def test_a_known_history_that_is_another_one_by_now_is_read_again(
    engine: Engine, lab: Lab, change: str
) -> None:
    """Something is unfinished, or a crash took the newest row and somebody wrote it anew."""
    await run(engine, USERS, ROWS)
    async with engine.session(RUNNER) as session:
        known = await session.history()
        await lab.query(change)

        found = await session.history(known)

    assert known != found
    assert await history_of(engine) == found


async def test_a_known_history_is_read_again_when_a_row_of_it_is_finished(
    engine: Engine, lab: Lab
) -> None:
    """Its newest row is the same, and the unfinished one is just not among the others any more."""
    await run(engine, USERS, ROWS)
    await lab.query("UPDATE asyncmig_history SET state = 'applying' WHERE id = 1")
    async with engine.session(RUNNER) as session:
        known = await session.history()
        assert await session.history(known) is known

        await lab.query("UPDATE asyncmig_history SET state = 'applied' WHERE id = 1")

        assert await history_of(engine) == await session.history(known)


async def test_an_empty_history_is_read_whenever_it_is_asked_for(engine: Engine) -> None:
    """It says nothing of whether the table was there."""
    async with engine.session(RUNNER) as session:
        known = await session.history()
        async with locked(engine):
            pass

        assert (History(exists=False), History()) == (known, await session.history(known))


async def test_the_lock_makes_an_empty_history(engine: Engine) -> None:
    """The table is there once the lock is held, and stays."""
    async with locked(engine) as session:
        assert History() == await session.history()
    assert History() == await history_of(engine)


async def test_a_row_says_everything_about_a_migration(engine: Engine) -> None:
    """The entry that apply() returns is the one that is read back, field by field."""
    (entry,) = await run(engine, USERS)
    expected = HistoryEntry(
        id=1,
        kind=Kind.VERSIONED,
        direction=Direction.UP,
        version=Version("1"),
        name="some",
        checksum=USERS.checksum,
        state=RowState.APPLIED,
        started_at=EPOCH,
        finished_at=EPOCH,
        duration_ms=0,
        host=RUNNER.host,
        pid=RUNNER.pid,
        run_id=RUNNER.run_id,
        tool_version=RUNNER.tool_version,
        down_sql="DROP TABLE users;",
    )
    assert expected == facts(entry)
    assert History((entry,)) == await history_of(engine)


async def test_the_clock_of_a_row_is_utc(engine: Engine) -> None:
    """A row has started before it has finished, and both times know their zone."""
    (entry,) = await run(engine, USERS)
    assert entry.finished_at is not None
    assert entry.started_at <= entry.finished_at
    assert [entry.started_at.tzname(), entry.finished_at.tzname()] == ["UTC", "UTC"]


async def test_the_table_can_have_any_name(lab: Lab) -> None:
    """A name with quotes, spaces and colons is a name."""
    engine = lab.engine_with(table='my "own" :id history')
    (entry,) = await run(engine, USERS)
    assert History((entry,)) == await history_of(engine)
    assert History(exists=False) == await history_of(lab.engine)


async def test_the_rows_are_in_the_order_of_their_numbers(engine: Engine) -> None:
    """Row 10 follows row 9, not row 1."""
    await run(engine, *(sql(str(n), "SELECT 1") for n in range(1, 13)))
    assert list(range(1, 13)) == [entry.id for entry in await history_of(engine)]


# --- the lock ---------------------------------------------------------------------------------


async def test_only_one_runner_holds_the_lock(lab: Lab) -> None:
    """A second runner times out, and is told who is in the way."""
    seen = Seen()
    async with locked(lab.engine), lab.engine.session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError) as caught:
            async with rival.lock(wait_for(timeout=0.2, seen=seen)):
                pass
    assert caught.value.waited >= 0.2
    (holder,) = seen.holders
    assert holder is not None
    assert RUNNER.run_id in holder.description


async def test_the_lock_is_free_again(lab: Lab) -> None:
    """After a visit, the next runner does not wait."""
    async with locked(lab.engine):
        pass
    async with lab.engine.session(RIVAL) as rival, rival.lock(wait_for(timeout=0)) as waited:
        assert waited < 1


async def test_a_waiter_gets_the_lock_when_the_holder_lets_go(lab: Lab) -> None:
    """The wait ends by itself."""
    order = list[str]()

    async def rival() -> None:
        async with locked(lab.engine, RIVAL):
            order.append("rival")

    async with anyio.create_task_group() as tasks, locked(lab.engine):
        tasks.start_soon(rival)
        await anyio.sleep(0.3)
        order.append("holder")
    assert ["holder", "rival"] == order


async def test_a_wait_ends_when_the_work_is_done(lab: Lab) -> None:
    """A waiter that sees nothing left to do goes home, although the lock is still held."""
    async with locked(lab.engine) as session, lab.engine.session(RIVAL) as rival:
        step = first_step(await session.history(), USERS)
        await session.apply(step, Generation(), Seen().events)
        await session.flush()
        with pytest.raises(NothingToDo):
            async with rival.lock(wait_for(settled=lambda history: len(history) == 1)):
                pass


async def test_what_settled_raises_ends_the_wait(lab: Lab) -> None:
    """A waiter may fail as the holder did."""

    def settled(_history: History) -> bool:
        raise MigrationFailedError("as it did", version="1", direction=Direction.UP, file="1.sql")

    async with locked(lab.engine), lab.engine.session(RIVAL) as rival:
        with pytest.raises(MigrationFailedError, match="as it did"):
            async with rival.lock(wait_for(settled=settled)):
                pass


async def test_a_cancelled_waiter_leaves_nothing(lab: Lab) -> None:
    """The holder is not disturbed, and the lock is free afterwards."""
    async with locked(lab.engine) as session:
        async with lab.engine.session(RIVAL) as rival:
            with anyio.move_on_after(0.2) as scope:
                async with rival.lock(wait_for()):
                    pass
            assert scope.cancelled_caught
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)
    await run(lab.engine, USERS, ROWS, runner=RIVAL)


async def test_an_error_under_the_lock_frees_it(lab: Lab) -> None:
    """Whatever is raised inside passes through, and the lock is free."""
    with pytest.raises(ZeroDivisionError):
        async with locked(lab.engine):
            raise ZeroDivisionError
    async with locked(lab.engine, RIVAL):
        pass


async def test_many_runners_apply_each_migration_once(lab: Lab) -> None:
    """Eight runners at once write one row and one seed."""
    seed = sql("2", "INSERT INTO users VALUES (1)")

    async def runner() -> None:
        await run(lab.engine, USERS, seed)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(runner)
    assert [(1,)] == await lab.query("SELECT id FROM users")
    assert ["1", "2"] == [entry.key for entry in await history_of(lab.engine)]


# --- steps ------------------------------------------------------------------------------------


async def test_sql_and_python_are_applied_in_their_order(lab: Lab) -> None:
    """Both kinds commit together with their row."""
    entries = await run(lab.engine, USERS, ROWS)
    assert [(1, "1"), (2, "2")] == [(entry.id, entry.key) for entry in entries]
    assert [(1,), (2,)] == await lab.query("SELECT id FROM users ORDER BY id")


async def test_a_step_starts_once(lab: Lab) -> None:
    """The start is told after the fence, and no retry is told of a run without trouble."""
    seen = Seen()
    async with locked(lab.engine) as session:
        await session.apply(first_step(History(), USERS), Generation(), seen.events)
    assert (1, []) == (seen.started, seen.retries)


async def test_down_reverts_and_keeps_the_rows(lab: Lab) -> None:
    """A reversal appends a row of its own, and both rows are reverted then."""
    await run(lab.engine, USERS)
    (entry,) = await run(lab.engine, USERS, request=DOWN, runner=RIVAL)
    assert (2, Direction.DOWN, RowState.REVERTED) == (entry.id, entry.direction, entry.state)
    first, _ = await history_of(lab.engine)
    assert (Direction.UP, RowState.REVERTED) == (first.direction, first.state)
    assert set() == await lab.tables()


async def test_what_was_reverted_can_be_applied_again(lab: Lab) -> None:
    """The unique index is about active rows."""
    await run(lab.engine, USERS)
    await run(lab.engine, USERS, request=DOWN)
    (entry,) = await run(lab.engine, USERS)
    assert (3, RowState.APPLIED) == (entry.id, entry.state)


async def test_a_repeatable_supersedes_its_last_row(lab: Lab) -> None:
    """Its new text is a new row; the old one is superseded."""
    await run(lab.engine, repeatable("view", "CREATE VIEW one AS SELECT 1 AS n"))
    changed = repeatable("view", "DROP VIEW one; CREATE VIEW one AS SELECT 2 AS n")
    (entry,) = await run(lab.engine, changed)
    assert (2, Kind.REPEATABLE, None) == (entry.id, entry.kind, entry.version)
    states = [row.state for row in await history_of(lab.engine)]
    assert [RowState.SUPERSEDED, RowState.APPLIED] == states
    assert [(2,)] == await lab.query("SELECT n FROM one")


@pytest.mark.parametrize(
    "text", ["", "\n", "-- nothing yet\n", "/* nor here */ ;;", "BEGIN; COMMIT;"]
)
async def test_an_empty_script_counts_as_applied(engine: Engine, text: str) -> None:
    """Files of comments only are common in real projects."""
    (entry,) = await run(engine, sql("1", text))
    assert RowState.APPLIED is entry.state


async def test_two_hundred_statements_are_one_step(lab: Lab) -> None:
    """A long file runs to its end."""
    inserts = "".join(f"INSERT INTO users VALUES ({n}); -- no. {n}\n" for n in range(200))
    await run(lab.engine, USERS, sql("2", inserts))
    assert [(200,)] == await lab.query("SELECT count(*) FROM users")


async def test_a_begin_and_commit_around_a_file_are_left_out(lab: Lab) -> None:
    """The pair says what our transaction says already."""
    await run(lab.engine, sql("1", "BEGIN;\nCREATE TABLE users (id integer);\nCOMMIT;\n"))
    assert {"users"} == await lab.tables()


async def test_a_commit_in_the_middle_is_refused_before_anything_runs(lab: Lab) -> None:
    """It would end our transaction."""
    with pytest.raises(InvalidMigrationError, match=r"1_some\.sql:2:1: COMMIT in the middle"):
        await run(lab.engine, sql("1", "CREATE TABLE users (id integer);\nCOMMIT;\nSELECT 1;"))
    assert (set(), History()) == (await lab.tables(), await history_of(lab.engine))


async def test_a_failing_statement_leaves_nothing(lab: Lab) -> None:
    """Neither the statements before it nor the row survive."""
    broken = sql("1", "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\nNONSENSE;")
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, broken)
    assert ("1", 3, 1) == (caught.value.version, caught.value.line, caught.value.column)
    assert "NONSENSE" == caught.value.statement
    assert (set(), History()) == (await lab.tables(), await history_of(lab.engine))


async def test_the_place_of_an_error_counts_characters(engine: Engine) -> None:
    """Line and column are right behind text of several bytes and code units."""
    text = "-- é\n\nSELECT '𝄞é', 1\n  FROM FROM x;"
    with pytest.raises(MigrationFailedError) as caught:
        await run(engine, sql("1", text))
    assert (4, 8) == (caught.value.line, caught.value.column)
    assert "    4 |   FROM FROM x;\n      |        ^" == caught.value.excerpt


async def test_a_failing_python_migration_leaves_nothing(lab: Lab) -> None:
    """Its own line is named; what it did is rolled back."""
    broken = python("1", "await connection.execute('CREATE TABLE users (id integer)')\n1 / 0")
    with pytest.raises(MigrationFailedError, match="ZeroDivisionError") as caught:
        await run(lab.engine, broken)
    assert ("1_some.py", 3) == (caught.value.file, caught.value.line)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (set(), History()) == (await lab.tables(), await history_of(lab.engine))


async def test_the_next_step_runs_after_a_failure(lab: Lab) -> None:
    """The session is as good as new."""
    async with locked(lab.engine) as session:
        with pytest.raises(MigrationFailedError):
            await session.apply(
                first_step(History(), sql("1", "NONSENSE")), Generation(), Seen().events
            )
        await session.apply(first_step(History(), USERS), Generation(), Seen().events)
        await session.flush()
    assert {"users"} == await lab.tables()


async def test_nothing_runs_when_the_history_has_moved(lab: Lab) -> None:
    """The fence compares the history inside the transaction of the step."""
    await run(lab.engine, USERS)
    async with locked(lab.engine) as session:
        with pytest.raises(HistoryMovedError):
            await session.apply(
                first_step(History(), sql("2", "DROP TABLE users")), Generation(), Seen().events
            )
    assert {"users"} == await lab.tables()


async def test_the_setup_hook_gets_the_connection_first(lab: Lab) -> None:
    """What it sets up is there when the migration runs."""
    calls = list[object]()

    async def setup(connection: object) -> None:
        calls.append(connection)

    await run(lab.engine_with(setup=setup), USERS, ROWS)
    assert 2 == len(calls)
    assert all(hasattr(connection, "execute") for connection in calls)


# --- cancellation -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sql", "python"])
async def test_a_cancelled_step_is_rolled_back(lab: Lab, kind: str) -> None:
    """A native cancel in the middle frees everything within a second or so."""
    begin = "CREATE TABLE users (id integer)"
    slow = {
        "sql": sql("1", f"{begin};\n{lab.slow};"),
        "python": python(
            "1", f"await connection.execute({begin!r})\nawait connection.execute({lab.slow!r})"
        ),
    }[kind]
    task = asyncio.create_task(run(lab.engine, slow))
    await anyio.sleep(0.5)
    task.cancel()
    with anyio.fail_after(4), pytest.raises(asyncio.CancelledError):
        await task
    assert (set(), History()) == (await lab.tables(), await history_of(lab.engine))
    await run(lab.engine, USERS, runner=RIVAL)


async def test_a_cancel_scope_around_a_step_rolls_it_back(lab: Lab) -> None:
    """Anyio's way of cancelling works as well."""
    with anyio.move_on_after(0.5) as scope:
        await run(lab.engine, sql("1", f"CREATE TABLE users (id integer);\n{lab.slow};"))
    assert scope.cancelled_caught
    assert (set(), History()) == (await lab.tables(), await history_of(lab.engine))
