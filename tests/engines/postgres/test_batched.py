"""What is special about batches on PostgreSQL: locks, poolers, replicas, and what it reckons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import pytest

from asyncmig.checksum import checksum
from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres import patience, reckoning
from asyncmig.engines.postgres.connection import ConnectionLostError
from asyncmig.engines.postgres.transaction import Transaction
from asyncmig.errors import (
    DatabaseUnavailableError,
    IncompleteMigrationError,
    InvalidMigrationError,
    MigrationFailedError,
)
from asyncmig.history import History
from asyncmig.migration import Batching, Migration, PythonScript, Version
from asyncmig.plan import make_plan
from tests.engines.lab import (
    LAX,
    RIVAL,
    RUNNER,
    UP,
    Seen,
    history_of,
    in_batches,
    locked,
    python_batches,
    run,
    sql,
)
from tests.engines.postgres.ground import ask, connected, do, engine_for, until
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Engine

ROWS = 2000
TABLE = sql(
    "1",
    "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);\n"
    f"INSERT INTO t (id) SELECT g FROM generate_series(1, {ROWS}) g;\nANALYZE t;",
)
STATEMENT = (
    "UPDATE t SET n = n + 1 WHERE id IN (SELECT id FROM t WHERE n = 0 ORDER BY id "
    "LIMIT :batch_size)"
)
COUNT = in_batches("2", STATEMENT)
BY_CURSOR = python_batches(
    "2",
    """\
rows = await batch.connection.fetch(
    "UPDATE t SET n = n + 1 WHERE id IN "
    "(SELECT id FROM t WHERE id > $1 ORDER BY id LIMIT $2) RETURNING id",
    batch.after or 0,
    batch.size,
)
return max((row["id"] for row in rows), default=None)""",
)
COUNTED = "SELECT n, count(*) FROM t GROUP BY n ORDER BY n"
PROGRESS = "SELECT state, progress FROM asyncmig_history WHERE id = 2"


def with_replica_lag(seconds: float) -> Migration:
    """Return a migration of two batches, the second of which waits for replicas."""
    text = (
        "import asyncmig\n\n"
        f"@asyncmig.batches(pause=0, replica_lag={seconds})\n"
        "async def up(batch):\n    return None if batch.after else 1\n"
    )
    script = PythonScript(text, "2_wait.py", "up", batching=Batching(pause=0, replica_lag=seconds))
    return Migration(Version("2"), "wait", checksum(text), script)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(patience, "_LONGEST_DELAY", 0.1)


async def test_a_batch_that_is_blocked_is_tried_again_alone(postgres_url: str) -> None:
    """Those before it stay committed, and it says who is in the way."""
    engine, seen = engine_for(postgres_url, lock_timeout=0.2, retries=100), Seen()
    await run(engine, TABLE)
    async with connected(postgres_url) as application, anyio.create_task_group() as tasks:
        transaction = application.transaction()
        await transaction.start()
        await application.execute("SELECT id FROM t WHERE id = 101 FOR UPDATE")
        tasks.start_soon(_apply, engine, seen)

        async def is_blocked() -> bool:
            return len(seen.retries) >= 2 and any(seen.blockers)

        await until(is_blocked)
        pids = {blocker.pid for blockers in seen.blockers for blocker in blockers}
        assert {application.get_server_pid()} == pids
        assert [(0, ROWS - 100), (1, 100)] == await ask(postgres_url, COUNTED)
        await transaction.rollback()
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


async def _apply(engine: Engine, seen: Seen) -> None:
    await run(engine, TABLE, COUNT, seen=seen)


async def test_a_batch_that_commits_by_itself_leaves_a_question(postgres_url: str) -> None:
    """Its cursor is not with it: to go on would do it twice."""
    source = (
        "await batch.connection.execute('UPDATE t SET n = n + 1')\n"
        "await batch.connection.execute('COMMIT')\nreturn 1"
    )
    engine = engine_for(postgres_url)
    with pytest.raises(MigrationFailedError, match="ended the transaction"):
        await run(engine, TABLE, python_batches("2", source))
    assert [("applying", None)] == await ask(postgres_url, PROGRESS)
    with pytest.raises(IncompleteMigrationError):
        await run(engine, TABLE, python_batches("2", source))
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


@pytest.mark.parametrize("migration", [COUNT, BY_CURSOR], ids=["sql", "python"])
@pytest.mark.parametrize("arrives", [False, True])
async def test_a_commit_that_is_not_answered_is_looked_up(
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    migration: Migration,
    arrives: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The batch is there, and the rest follows; or it is not, and the next run does it again."""
    lost: list[Transaction] = []
    commit = Transaction.commit

    async def lose(transaction: Transaction) -> None:
        is_it = not lost and await _is_second_batch(postgres_url)
        if arrives or not is_it:
            await commit(transaction)
        if is_it:
            lost.append(transaction)
            transaction._wire.terminate()
            raise ConnectionLostError("cut")

    await run(engine_for(postgres_url), TABLE)
    monkeypatch.setattr(Transaction, "commit", lose)
    if arrives:
        await run(engine_for(postgres_url), TABLE, migration)
    else:
        with pytest.raises(DatabaseUnavailableError, match="looked up afterwards and is not there"):
            await run(engine_for(postgres_url), TABLE, migration)
        await run(engine_for(postgres_url), TABLE, migration)
    assert (1, [(1, ROWS)]) == (len(lost), await ask(postgres_url, COUNTED))


async def _is_second_batch(url: str) -> bool:
    return await ask(url, COUNTED) == [(0, ROWS - 100), (1, 100)]


@pytest.mark.parametrize("migration", [COUNT, BY_CURSOR], ids=["sql", "python"])
async def test_runners_take_turns_through_a_pooler(
    pgbouncer: Callable[..., str], postgres_url: str, migration: Migration
) -> None:
    """Where the lock ends with each transaction: no batch is done twice, and both end well."""
    url = pgbouncer(PoolMode.TRANSACTION, 2)
    await run(engine_for(url), TABLE)

    async def runner(who: Any) -> None:  # noqa: ANN401 - a runner
        async with locked(engine_for(url), who) as session:
            while True:
                history = await session.history()
                steps = make_plan([TABLE, migration], history, UP, LAX).steps
                try:
                    for step in steps:
                        await session.apply(step, history.generation, Seen().events)
                except HistoryMovedError:
                    continue
                return

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for who in (RUNNER, RIVAL):
                tasks.start_soon(runner, who)
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)
    states = [row.state.value for row in await history_of(engine_for(url))]
    assert ["applied", "applied"] == states


@pytest.mark.parametrize("lent", [False, True])
async def test_a_batch_leaves_nothing_to_the_next(postgres_url: str, lent: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """What it sets is gone with it, and what an application has set stays."""
    source = (
        "assert '8MB' == await batch.connection.fetchval('SHOW work_mem'), 'left over'\n"
        "await batch.connection.execute(\"SET work_mem = '9MB'\")\n"
        "return None if batch.after else 1"
    )
    await do(postgres_url, f"ALTER DATABASE {urlsplit(postgres_url).path[1:]} SET work_mem = '8MB'")
    show = "SELECT current_setting('work_mem'), current_setting('lock_timeout')"
    async with connected(postgres_url) as connection:
        await connection.execute("SET lock_timeout = '7s'")
        before = await connection.fetch(show)
        engine = engine_for(connection if lent else postgres_url)
        await run(engine, TABLE, COUNT, python_batches("3", source))
        assert before == await connection.fetch(show)
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


async def test_a_deferred_constraint_fails_the_batch_that_breaks_it(postgres_url: str) -> None:
    """Not a later one, and not with an error that has no name."""
    await do(postgres_url, "CREATE TABLE parents (id integer PRIMARY KEY)")
    constraint = sql(
        "2",
        "ALTER TABLE t ADD CONSTRAINT n_parent FOREIGN KEY (n) REFERENCES parents "
        "DEFERRABLE INITIALLY DEFERRED NOT VALID",
    )
    count = in_batches("3", STATEMENT)
    with pytest.raises(MigrationFailedError, match="n_parent"):
        await run(engine_for(postgres_url), TABLE, constraint, count)
    assert [(0, ROWS)] == await ask(postgres_url, COUNTED)


async def test_the_setup_hook_is_called_inside_each_batch(postgres_url: str) -> None:
    """Behind a pooler what it sets lives no longer. The first call is for the planner."""
    inside: list[bool] = []

    async def setup(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
        inside.append(connection.is_in_transaction())
        async with connection.transaction():
            await connection.execute("SET LOCAL search_path = elsewhere")

    seen = Seen()
    await run(engine_for(postgres_url), TABLE)
    await do(postgres_url, "CREATE SCHEMA elsewhere; ALTER TABLE t SET SCHEMA elsewhere")
    count = in_batches("2", STATEMENT, size=ROWS)
    await run(engine_for(postgres_url, setup=setup), TABLE, count, seen=seen)
    assert [True, True, True] == inside
    assert ROWS == seen.progress[0][1].expected


async def test_the_planner_says_how_much_there_is_to_do(postgres_url: str) -> None:
    """As far as it knows; the forecast is about the rows that are left."""
    seen = Seen()
    await run(engine_for(postgres_url), TABLE, COUNT, seen=seen)
    ((_, forecast),) = seen.progress[:1]
    assert (100, ROWS, ROWS - 100) == (forecast.rows, forecast.expected, forecast.remaining_rows)


@pytest.mark.parametrize("broken", ["SELECT nonsense FROM nowhere", "SELECT NULL"])
async def test_without_a_plan_there_is_no_forecast(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Other servers speak the protocol and explain in other words, or not at all."""
    monkeypatch.setattr(reckoning, "_PLAN", broken)
    seen = Seen()
    await run(engine_for(postgres_url), TABLE, COUNT, seen=seen)
    assert seen.progress[0][1].expected is None
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


async def test_the_next_batch_waits_for_the_replicas(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of any transaction, and it says so."""
    monkeypatch.setattr(reckoning, "_LAG", "SELECT seconds FROM lag")
    monkeypatch.setattr(reckoning, "_LOOK_EVERY", 0.05)
    await do(postgres_url, "CREATE TABLE lag AS SELECT 12.4 AS seconds")
    seen = Seen()
    async with anyio.create_task_group() as tasks:

        async def apply() -> None:
            await run(engine_for(postgres_url), TABLE, with_replica_lag(5.0), seen=seen)

        tasks.start_soon(apply)

        async def is_waiting() -> bool:
            return any(forecast.waits_for for _, forecast in seen.progress)

        await until(is_waiting)
        await do(postgres_url, "UPDATE lag SET seconds = 4.9")
    assert {"", "a replica that is 12 s behind"} == {f.waits_for for _, f in seen.progress}


async def test_the_lag_of_the_replicas_can_be_asked_for(postgres_url: str) -> None:
    """Without one, or without the right to see them, there is none to wait for."""
    await run(engine_for(postgres_url), TABLE, with_replica_lag(0.001))
    assert [(None,)] == await ask(postgres_url, reckoning._LAG)


async def test_batches_cannot_be_written_as_a_script(postgres_url: str) -> None:
    """Psql has no loop; the sentence says what to do instead."""
    engine = engine_for(postgres_url)
    plan = make_plan([TABLE, COUNT], History(exists=False), UP, LAX)
    with pytest.raises(InvalidMigrationError, match="runs in batches and cannot be written"):
        engine.script(plan, RUNNER)
