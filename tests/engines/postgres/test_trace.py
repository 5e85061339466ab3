"""A trace runs what is pending, tells what each migration locks, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig import Migrator
from asyncmig.engines.postgres import rehearsal
from asyncmig.errors import LockTimeoutError, MigrationFailedError
from asyncmig.events import LocksReported
from tests.engines.lab import locked
from tests.engines.postgres.ground import (
    ask,
    backends,
    connected,
    do,
    engine_for,
    locks,
    until_quiet,
)
from tests.engines.postgres.test_row_lock import bare_url as bare_url  # noqa: PLC0414 - a fixture
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.report import TraceReport
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer, name text)"
CHECK = "ALTER TABLE users ADD CHECK (id > 0)"
INDEX = "CREATE INDEX users_name ON users (name)"
THINGS = (
    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE nspname = 'public' UNION ALL SELECT nspname FROM pg_namespace "
    "WHERE nspname !~ '^pg_' ORDER BY 1"
)


def migrator_of(database: object, folder: MigrationFolder, **options: Any) -> Migrator:  # noqa: ANN401 - as Migrator
    """Return a migrator that tells nobody."""
    return Migrator(database, folder, observer=None, **options)


def traced(report: TraceReport) -> dict[str, list[str]]:
    """Return the relations of each migration with their locks."""
    return {
        trace.version: [
            f"{r.relation} {r.mode}{' before' if r.inherited else ''}"
            for r in trace.locks.relations
        ]
        for trace in report.traced
    }


async def test_nothing_remains(postgres_url: str, migration_folder: MigrationFolder) -> None:
    """No table, no schema, no history, no lock, no setting, no session."""
    await do(postgres_url, USERS)
    migration_folder.write("1_check.sql", f"SET lock_timeout = '9s'; {CHECK}")
    migration_folder.write("2_more.sql", "CREATE SCHEMA more; CREATE TABLE other ()")
    before = await ask(postgres_url, THINGS)

    report = await migrator_of(postgres_url, migration_folder, schema="ops").trace()

    held = "public.users ACCESS EXCLUSIVE"
    assert {"1": [held], "2": [f"{held} before"]} == traced(report)
    assert before == await ask(postgres_url, THINGS)
    await until_quiet(postgres_url)


async def test_each_migration_has_a_report_of_its_own(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """On top of those before it; a lock that one of them holds is not held against it."""
    await do(postgres_url, USERS)
    migrator = migrator_of(postgres_url, migration_folder, fail_on=["scan", "blocks_reads"])
    migration_folder.write("1_index.sql", INDEX)
    migration_folder.write("2_column.sql", "ALTER TABLE users ADD COLUMN age integer")
    migration_folder.write("3_column.sql", "ALTER TABLE users ADD COLUMN height integer")

    report = await migrator.trace()

    tables = {
        version: [word for word in words if word.startswith("public.users ")]
        for version, words in traced(report).items()
    }
    assert {
        "1": ["public.users SHARE"],
        "2": ["public.users ACCESS EXCLUSIVE"],
        "3": ["public.users ACCESS EXCLUSIVE before"],
    } == tables
    assert [["scan"], ["blocks_reads"], []] == [
        [violation.hazard.value for violation in trace.violations] for trace in report.traced
    ]
    assert 2 == len(report.violations)


async def test_a_trace_tells_the_same_as_a_run(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """It is the same code but for the COMMIT."""
    await do(postgres_url, f"{USERS}; INSERT INTO users VALUES (1, 'Zoë')")
    migration_folder.write("1_rewrite.sql", "ALTER TABLE users ALTER COLUMN id TYPE bigint")
    events: list[Any] = []
    migrator = Migrator(
        postgres_url,
        migration_folder,
        lock_report=True,
        baseline="none",
        observer=events.append,
    )

    (foreseen,) = (await migrator.trace()).traced
    await migrator.up()

    (happened,) = (event.report for event in events if isinstance(event, LocksReported))
    facts = [
        [(r.relation, r.mode, r.rewritten, r.scanned, r.line) for r in report.relations]
        for report in (foreseen.locks, happened)
    ]
    assert facts[0] == facts[1]
    assert foreseen.locks.relations[0].rewritten


async def test_what_cannot_be_traced_is_named(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """It is left out; the others are traced without it."""
    await do(postgres_url, USERS)
    outside = f"-- migrate:up transaction:false\n{INDEX.replace('INDEX', 'INDEX CONCURRENTLY')}"
    migration_folder.write("1_index.sql", outside)
    python = f"async def up(connection):\n    await connection.execute({CHECK!r})\n"
    migration_folder.write("2_check.py", python)
    migration_folder.write("3_column.sql", "ALTER TABLE users ADD COLUMN age integer")
    migrator = migrator_of(postgres_url, migration_folder)

    without, with_python = await migrator.trace(), await migrator.trace(python=True)

    assert [
        ("1", "it runs outside a transaction"),
        ("2", "it is Python, and what that does elsewhere is not rolled back (--python runs it)"),
    ] == [(left.version, left.reason) for left in without.untraced]
    assert ["3"] == list(traced(without))
    assert ["2", "3"] == list(traced(with_python))
    assert ["1"] == [left.version for left in with_python.untraced]


async def test_a_migration_that_needs_one_that_was_left_out_says_so(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """The error is the database's; the note tells what may be all that is missing."""
    migration_folder.write("1_users.py", f"async def up(c):\n    await c.execute({USERS!r})\n")
    migration_folder.write("2_check.sql", CHECK)

    with pytest.raises(MigrationFailedError, match="does not exist") as caught:
        await migrator_of(postgres_url, migration_folder).trace()

    assert ["the trace left out 1, which it may need"] == caught.value.__notes__[-1:]
    await until_quiet(postgres_url)


async def test_nothing_pending_is_nothing_to_trace(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Also where the newest of the history is told."""
    migration_folder.write("1_users.sql", USERS)
    migrator = migrator_of(postgres_url, migration_folder)
    await migrator.up()

    report = await migrator.trace()

    assert ((), (), "1") == (report.traced, report.untraced, str(report.current))


@pytest.mark.parametrize("asked", ["none", "30s"])
async def test_no_statement_waits_for_long(
    postgres_url: str,
    migration_folder: MigrationFolder,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
) -> None:
    """Whatever the file says; it is not tried again, because all locks before it are held."""
    monkeypatch.setattr(rehearsal, "_LONGEST_WAIT", 0.2)
    await do(postgres_url, USERS)
    migration_folder.write("1_check.sql", f"-- migrate:up lock_timeout:{asked}\n{CHECK}")
    migrator = migrator_of(postgres_url, migration_folder, lock_timeout=None)
    async with connected(postgres_url) as application, application.transaction():
        await application.execute("SELECT count(*) FROM users")
        with anyio.fail_after(20), pytest.raises(MigrationFailedError) as caught:
            await migrator.trace()

    assert "55P03" == caught.value.sqlstate


async def test_a_trace_and_a_run_keep_apart(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Who traces holds the lock of the runners, and waits for it as they do."""
    migration_folder.write("1_users.sql", USERS)
    migrator = migrator_of(postgres_url, migration_folder, wait_timeout=0.3)
    async with locked(engine_for(postgres_url)):
        with pytest.raises(LockTimeoutError):
            await migrator.trace()

    assert ["1"] == list(traced(await migrator.trace()))


async def test_a_repeatable_and_a_reverted_one_are_traced(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """What a row of the history supersedes is superseded for the length of the trace."""
    migration_folder.write("1_users.sql", f"-- migrate:up\n{USERS}\n-- migrate:down\nSELECT 1")
    migration_folder.write("R__names.sql", "CREATE OR REPLACE VIEW names AS SELECT name FROM users")
    migrator = migrator_of(postgres_url, migration_folder)
    await migrator.up()
    rows = await ask(postgres_url, "SELECT id, state FROM asyncmig_history ORDER BY id")
    migration_folder.write("2_check.sql", CHECK)
    migration_folder.write(
        "R__names.sql", "DROP VIEW names; CREATE VIEW names AS SELECT id FROM users"
    )

    report = await migrator.trace()

    assert ["2", "R__names"] == list(traced(report))
    assert rows == await ask(postgres_url, "SELECT id, state FROM asyncmig_history ORDER BY id")


async def test_a_lent_connection_comes_back_as_it_was(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Outside of any transaction, with its settings."""
    text = "SET search_path = nowhere; SET work_mem = '9MB'; CREATE TABLE public.users ()"
    migration_folder.write("1_users.sql", text)
    async with connected(postgres_url) as connection:
        await connection.execute("SET work_mem = '7MB'")

        report = await migrator_of(connection, migration_folder).trace()

        settings = await connection.fetchval("SHOW work_mem"), connection.is_in_transaction()
    assert ["1"] == list(traced(report))
    assert ("7MB", False) == settings
    assert 0 == await locks(postgres_url)


async def test_a_trace_goes_through_a_pooler(
    pgbouncer: Callable[..., str], postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """It is one transaction."""
    await do(postgres_url, USERS)
    migration_folder.write("1_check.sql", CHECK)

    report = await migrator_of(pgbouncer(PoolMode.TRANSACTION, 1), migration_folder).trace()

    assert {"1": ["public.users ACCESS EXCLUSIVE"]} == traced(report)
    assert [] == await ask(postgres_url, "SELECT 1 FROM pg_tables WHERE tablename ~ 'asyncmig'")


async def test_a_trace_does_without_advisory_locks(
    bare_url: str, migration_folder: MigrationFolder
) -> None:
    """The rows that are locked instead have to be there; nothing else is made."""
    migration_folder.write("1_users.sql", USERS)
    migrator = migrator_of(bare_url, migration_folder)
    await migrator.up()
    migration_folder.write("2_check.sql", CHECK)

    assert {"2": ["public.users ACCESS EXCLUSIVE"]} == traced(await migrator.trace())
    assert 1 == len((await migrator.status()).pending)


async def test_a_cancelled_trace_leaves_nothing(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """The statement is cancelled, the transaction rolled back, the lock released."""
    await do(postgres_url, USERS)
    migration_folder.write("1_slow.sql", f"{CHECK}; SELECT pg_sleep(30)")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(migrator_of(postgres_url, migration_folder).trace)
        sleeping = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        with anyio.fail_after(20):
            while not await ask(postgres_url, sleeping):  # noqa: ASYNC110 - no event tells
                await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()

    await until_quiet(postgres_url)
    assert 0 == await backends(postgres_url)
