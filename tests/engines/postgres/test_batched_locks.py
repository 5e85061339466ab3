"""What batches lock: told once, judged each by itself, and traced by one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import Migrator
from asyncmig.errors import LockPolicyError, MigrationFailedError
from asyncmig.lock_policy import LockPolicy
from asyncmig.locks import Hazard, LockMode, LockReport, RelationReport
from asyncmig.migration import Version
from tests.engines.lab import Seen, history_of, python_batches, run
from tests.engines.postgres.ground import ask, connected, engine_for, until_quiet
from tests.engines.postgres.test_batched import BY_CURSOR, COUNT, COUNTED, ROWS, STATEMENT, TABLE
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.migration import Migration
    from asyncmig.report import TraceReport
    from tests.migration_folder import MigrationFolder

TABLE_TEXT = (
    "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0, done boolean);\n"
    f"INSERT INTO t (id) SELECT g FROM generate_series(1, {ROWS}) g;"
)
DONE = (
    "-- migrate:up batch:100\n"
    "UPDATE t SET done = true\n"
    "WHERE id IN (SELECT id FROM t WHERE done IS NULL ORDER BY id LIMIT :batch_size);\n"
)
STRONGER_EACH_TIME = """\
modes = [None, "SHARE", "ACCESS EXCLUSIVE", "SHARE"]
number = batch.after or 0
if modes[number]:
    await batch.connection.execute(f"LOCK TABLE t IN {modes[number]} MODE")
return None if number == 3 else number + 1"""


def of_table(report: LockReport) -> RelationReport:
    """Return what was done to the table."""
    return next(found for found in report.relations if found.relation == "public.t")


async def test_the_locks_of_all_batches_are_told_once(postgres_url: str) -> None:
    """A report for each would be a flood; the last one, which finds nothing, counts for none."""
    seen = Seen()
    await run(engine_for(postgres_url), TABLE)
    await run(engine_for(postgres_url, locks=LockPolicy()), TABLE, COUNT, seen=seen)

    (report,) = seen.reports
    (_, entry) = await history_of(engine_for(postgres_url))
    assert entry.progress is not None
    assert entry.progress.batches is not None
    assert entry.progress.batches.count == report.batches
    table = of_table(report)
    assert (LockMode.ROW_EXCLUSIVE, 1, False) == (table.mode, table.line, table.inherited)
    assert (report.wal_bytes or 0) > ROWS


async def test_the_strongest_lock_of_all_batches_is_told(postgres_url: str) -> None:
    """Not that of the last one."""
    seen = Seen()
    await run(engine_for(postgres_url), TABLE)
    migration = python_batches("2", STRONGER_EACH_TIME)
    await run(engine_for(postgres_url, locks=LockPolicy()), TABLE, migration, seen=seen)

    (report,) = seen.reports
    assert (LockMode.ACCESS_EXCLUSIVE, 3) == (of_table(report).mode, report.batches)


async def test_what_batches_have_locked_is_told_when_one_fails(postgres_url: str) -> None:
    """Those before it are committed, and others have waited for them."""
    seen = Seen()
    failing = "if batch.after:\n    raise ValueError('stop')\n"
    await run(engine_for(postgres_url), TABLE)
    with pytest.raises(MigrationFailedError, match="stop"):
        await run(
            engine_for(postgres_url, locks=LockPolicy()),
            TABLE,
            python_batches(
                "2", f"{failing}await batch.connection.execute('LOCK TABLE t')\nreturn 1"
            ),
            seen=seen,
        )

    (report,) = seen.reports
    assert (LockMode.ACCESS_EXCLUSIVE, 1) == (of_table(report).mode, report.batches)


async def test_nobody_looks_at_batches_unless_asked_to(postgres_url: str) -> None:
    """It costs some messages for each."""
    seen = Seen()
    await run(engine_for(postgres_url), TABLE)
    await run(engine_for(postgres_url), TABLE, COUNT, seen=seen)

    assert [] == seen.reports


async def test_a_policy_takes_back_the_batch_that_is_against_it(postgres_url: str) -> None:
    """Those before it stay, and a file that allows it goes on behind them."""
    engine = engine_for(postgres_url, locks=LockPolicy(frozenset({Hazard.BLOCKS_WRITES})))
    locking = python_batches(
        "2",
        "if batch.after:\n    await batch.connection.execute('LOCK TABLE t IN SHARE MODE')\n"
        "await batch.connection.execute('UPDATE t SET n = n + 1')\n"
        "return None if batch.after else 1",
    )
    await run(engine, TABLE)
    with pytest.raises(LockPolicyError) as caught:
        await run(engine, TABLE, locking)

    assert str(caught.value).startswith(
        "a batch of migration 2 was rolled back (2_some.py): it blocks writes to public.t"
    )
    assert "`allow = ('blocks_writes',)`" in caught.value.hint
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)
    allowed = replace(locking.up, allow=frozenset({Hazard.BLOCKS_WRITES}))
    await run(engine, TABLE, replace(locking, up=allowed))
    assert [(2, ROWS)] == await ask(postgres_url, COUNTED)


@pytest.mark.parametrize("migration", [COUNT, BY_CURSOR], ids=["sql", "python"])
async def test_to_look_changes_nothing_of_what_batches_do(
    pgbouncer: Callable[..., str], postgres_url: str, migration: Migration
) -> None:
    """Every row once, through a pooler as well as on a connection that is lent."""
    policy = LockPolicy(frozenset(Hazard))
    await run(engine_for(pgbouncer(PoolMode.TRANSACTION, 1), locks=policy), TABLE, migration)

    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)
    async with connected(postgres_url) as connection:
        again = replace(migration, version=Version("3"))
        await ask(postgres_url, "UPDATE t SET n = 0 RETURNING id")
        await run(engine_for(connection, locks=policy), TABLE, migration, again)
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


# --- the trace ----------------------------------------------------------------------------------


def migrator_of(database: object, folder: MigrationFolder, **options: Any) -> Migrator:  # noqa: ANN401 - as Migrator
    """Return a migrator that tells nobody, behind a first migration that makes the table."""
    folder.write("1_table.sql", TABLE_TEXT)
    return Migrator(database, folder, observer=None, **options)


def batches_of(report: TraceReport) -> dict[str, int | None]:
    """Return for each migration for how many rows the batch was that was traced."""
    return {trace.version: trace.batch for trace in report.traced}


async def test_of_what_runs_in_batches_one_is_traced(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """And rolled back; another migration is traced as a whole."""
    migrator = migrator_of(postgres_url, migration_folder)
    await migrator.up()
    migration_folder.write("2_done.sql", DONE)
    migration_folder.write("3_column.sql", "ALTER TABLE t ADD COLUMN more text")

    report = await migrator.trace()

    assert {"2": 100, "3": None} == batches_of(report)
    table = of_table(report.traced[0].locks)
    assert (LockMode.ROW_EXCLUSIVE, 2, None) == (
        table.mode,
        table.line,
        report.traced[0].locks.batches,
    )
    assert [(0,)] == await ask(postgres_url, "SELECT count(done) FROM t")
    assert ["2", "3"] == [str(status.version) for status in (await migrator.status()).pending]
    await until_quiet(postgres_url)


async def test_a_function_is_traced_behind_its_last_batch(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Where Python is run at all; what its next call does counts, and it is called once."""
    migrator = migrator_of(postgres_url, migration_folder, fail_on=["blocks_writes"])
    migration_folder.write(
        "2_lock.py",
        "import asyncmig\n\n\n@asyncmig.batches(pause=0)\nasync def up(batch):\n"
        "    if batch.after:\n"
        "        await batch.connection.execute('LOCK TABLE t IN SHARE MODE')\n"
        "    await batch.connection.execute('UPDATE t SET n = n + 1')\n"
        "    return (batch.after or 0) + 1\n",
    )
    with pytest.raises(LockPolicyError):
        await migrator.up()

    report = await migrator.trace(python=True)

    assert {"2": 1000} == batches_of(report)
    assert ["blocks_writes"] == [found.hazard.value for found in report.violations]
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)


async def test_what_needs_all_batches_says_that_one_was_run(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """The error is the database's; the note tells what may be all that is missing."""
    migrator = migrator_of(postgres_url, migration_folder)
    migration_folder.write("2_done.sql", DONE)
    migration_folder.write("3_all.sql", "ALTER TABLE t ALTER COLUMN done SET NOT NULL")

    with pytest.raises(MigrationFailedError, match="null values") as caught:
        await migrator.trace()

    note = "the trace ran one batch of 2, of which it may need all"
    assert [note] == caught.value.__notes__[-1:]


async def test_a_batch_is_traced_as_often_as_one_likes(
    pgbouncer: Callable[..., str], postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Through a pooler, and on a connection that is lent; the run behind it finds every row."""
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    migration_folder.write("2_count.sql", f"-- migrate:up batch:100 pause:0s\n{STATEMENT};\n")
    pooled = await migrator_of(url, migration_folder).trace()
    async with connected(postgres_url) as connection:
        lent = await migrator_of(connection, migration_folder).trace()
    await migrator_of(postgres_url, migration_folder).up()

    assert [{"1": None, "2": 100}] * 2 == [batches_of(pooled), batches_of(lent)]
    assert [(1, ROWS)] == await ask(postgres_url, COUNTED)
