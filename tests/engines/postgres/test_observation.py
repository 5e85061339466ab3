"""What a migration is seen to do from inside its transaction, on every way to the server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig import Migrator
from asyncmig.engines.postgres import patience
from asyncmig.engines.postgres.session import PostgresSession
from asyncmig.errors import MigrationFailedError
from asyncmig.events import LocksReported
from asyncmig.lock_policy import LockPolicy
from asyncmig.locks import LockMode, LockReport, RelationKind, RelationReport
from asyncmig.plan import make_plan
from asyncmig.sources.location import LONG
from tests.engines.lab import LAX, UP, Seen, first_step, locked, python, sql
from tests.engines.postgres.ground import ask, connected, do, engine_for
from tests.engines.postgres.shop import SHOP, report_of
from tests.engines.postgres.test_row_lock import bare_url as bare_url  # noqa: PLC0414 - a fixture
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Engine
    from asyncmig.migration import Migration
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer, name text); INSERT INTO users VALUES (1, 'Zoë');"
CHECK = "ALTER TABLE users ADD CHECK (id > 0)"
CHECKED = RelationReport("public.users", RelationKind.TABLE, LockMode.ACCESS_EXCLUSIVE)


async def reported(engine: Engine, *migrations: Migration, seen: Seen | None = None) -> LockReport:
    """Apply what is not applied of the migrations, and return the last report that was told."""
    seen = seen or Seen()
    async with locked(engine) as session:
        history = await session.history()
        for step in make_plan(migrations, history, UP, LAX).steps:
            entry = await session.apply(step, history.generation, seen.events)
            history = history.with_entry(entry, step.edit())
    return seen.reports[-1]


def plain(report: LockReport) -> list[RelationReport]:
    """Return the relations without what depends on the machine."""
    return [replace(relation, bytes=0, held_ms=0) for relation in report.relations]


def looking(database: object, **settings: Any) -> Engine:  # noqa: ANN401 - as EngineSettings
    """Return an engine that looks."""
    return engine_for(database, locks=LockPolicy(), **settings)


async def test_nobody_looks_unless_asked(postgres_url: str) -> None:
    """It would cost messages."""
    seen = Seen()
    async with locked(engine_for(postgres_url)) as session:
        history = await session.history()
        await session.apply(first_step(history, sql("1", USERS)), history.generation, seen.events)

    assert [] == seen.reports


async def test_a_line_is_that_of_the_statement_which_took_the_lock(postgres_url: str) -> None:
    """The strongest lock counts; a weaker one before it, or the same one behind it, does not."""
    text = (
        "-- migrate:up\n"
        "SELECT 1 FROM users;\n"
        "INSERT INTO orders VALUES (-1), (-2);\n"
        "INSERT INTO orders VALUES (-3);\n"
        "\n"
        "  -- now the name\n"
        "  ALTER TABLE users ADD COLUMN first text;\n"
        "ALTER TABLE users ADD COLUMN last text;\n"
    )

    report = await report_of(postgres_url, sql("1", text))

    lines = {r.relation: (str(r.mode), r.line) for r in report.relations if "_" not in r.relation}
    assert {"shop.users": ("ACCESS EXCLUSIVE", 7), "shop.orders": ("ROW EXCLUSIVE", 3)} == lines


async def test_a_table_that_is_made_goes_out_by_itself(postgres_url: str) -> None:
    """It may lock another one, which has to be told of its line."""
    text = "CREATE TABLE a ();\nCREATE TABLE b (order_id integer REFERENCES orders);\n"

    report = await report_of(postgres_url, sql("1", text))

    # PostgreSQL 14 lets go of the index; newer ones keep a lock that nobody waits for.
    tables = [relation for relation in report.relations if relation.kind is RelationKind.TABLE]
    assert [("shop.orders", 2)] == [(table.relation, table.line) for table in tables]


async def test_relations_come_with_what_the_server_knows(postgres_url: str) -> None:
    """The kind, the rows if it has ever counted them, and the size."""
    await do(postgres_url, SHOP + "ANALYZE shop.users;")
    text = "LOCK users, events, adults, notes IN SHARE MODE; SELECT nextval('numbers')"
    await do(postgres_url, "INSERT INTO shop.events SELECT 1, '2026-01-02'; ANALYZE shop.events")

    report = await reported(looking(postgres_url, search_path="shop"), sql("1", text))

    found = {r.relation: (r.kind.value, r.rows, r.bytes > 0) for r in report.relations}
    assert {
        "shop.users": ("table", 50, True),
        "shop.notes": ("table", None, True),
        "shop.events": ("partitioned table", 1, True),
        "shop.events_1": ("table", 1, True),
        "shop.adults": ("view", None, False),
        "shop.numbers": ("sequence", 1, True),
    } == found


async def test_a_dropped_relation_keeps_its_name(postgres_url: str) -> None:
    """It is named as it was called before, in the schema that it was in."""
    text = 'ALTER TABLE users RENAME TO people; DROP TABLE people CASCADE; DROP TABLE "Odd one"'
    await do(postgres_url, f'{USERS} CREATE TABLE "Odd one" ()')

    report = await reported(looking(postgres_url), sql("1", text))

    assert ["public.Odd one", "public.users"] == sorted(r.relation for r in report.relations)


async def test_the_history_and_the_catalogues_are_left_out(postgres_url: str) -> None:
    """Also when the migration looks at them itself."""
    text = "SELECT * FROM asyncmig_history; SELECT * FROM pg_class, information_schema.tables"

    assert () == (await reported(looking(postgres_url), sql("1", text))).relations


async def test_the_time_counts_from_when_the_statement_was_sent(postgres_url: str) -> None:
    """And to the end: what is slow behind a lock keeps others waiting."""
    await do(postgres_url, USERS)
    text = f"SELECT pg_sleep(0.2); {CHECK}; SELECT pg_sleep(0.3)"

    report = await reported(looking(postgres_url), sql("1", text))

    (users,) = report.relations
    whole = await ask(postgres_url, "SELECT duration_ms FROM asyncmig_history")
    assert 300 <= users.held_ms == report.held_ms
    assert users.held_ms <= whole[0][0] - 150


async def test_the_log_that_was_written_is_counted(postgres_url: str) -> None:
    """A rewrite writes at least what the table has."""
    await do(
        postgres_url, f"{USERS} INSERT INTO users SELECT i, 'x' FROM generate_series(1, 999) i"
    )
    rewrite = "ALTER TABLE users ALTER COLUMN id TYPE bigint; CREATE INDEX ON users (id)"

    nothing, everything = sql("1", "SELECT 1"), sql("2", rewrite)
    small = await reported(looking(postgres_url), nothing)
    large = await reported(looking(postgres_url), nothing, everything)

    assert (large.wal_bytes or 0) > (small.wal_bytes or 0) + 10_000


async def test_what_may_not_be_asked_is_not_known(bare_url: str, postgres_url: str) -> None:
    """The rest is, and nothing fails because of it."""
    refused = "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_current_wal_insert_lsn() FROM PUBLIC"
    await do(postgres_url, refused)

    report = await reported(looking(bare_url), sql("1", USERS), sql("2", CHECK))

    assert (None, ["public.users"]) == (report.wal_bytes, [r.relation for r in report.relations])


async def test_python_is_looked_at_once(postgres_url: str) -> None:
    """At its end: which line took a lock is not known, and the lock counts from the beginning."""
    await do(postgres_url, USERS)
    migration = python(
        "1", f"async with connection.transaction():\n    await connection.execute({CHECK!r})"
    )

    report = await reported(looking(postgres_url), migration)

    assert [replace(CHECKED, scanned=True)] == plain(report)


async def test_a_scan_before_the_migration_is_not_its_own(postgres_url: str) -> None:
    """The server counts for the session and tells nobody for a while, so a difference counts."""
    await do(postgres_url, USERS)
    seen = Seen()
    texts = ("SELECT count(*) FROM users", "ALTER TABLE users ADD COLUMN born date")

    await reported(looking(postgres_url), sql("1", texts[0]), sql("2", texts[1]), seen=seen)

    assert [True, False] == [report.relations[0].scanned for report in seen.reports]


async def test_where_scans_are_not_counted_they_are_not_known(postgres_url: str) -> None:
    """Neither yes nor no."""
    await do(postgres_url, USERS)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f'ALTER DATABASE "{name}" SET track_counts = off')

    report = await reported(looking(postgres_url), sql("1", CHECK))

    assert [replace(CHECKED, scanned=None, line=1)] == plain(report)


async def test_a_hostile_search_path_changes_nothing(postgres_url: str) -> None:
    """Names and operators of our own statements are qualified."""
    await do(
        postgres_url,
        f"{USERS} CREATE SCHEMA evil; "
        "CREATE FUNCTION evil.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'; "
        "CREATE FUNCTION evil.no(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false'; "
        "CREATE FUNCTION evil.no(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false'; "
        "CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = text, RIGHTARG = text); "
        "CREATE OPERATOR evil.<> (FUNCTION = evil.no, LEFTARG = text, RIGHTARG = text); "
        "CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = oid, RIGHTARG = oid); "
        "CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = integer, RIGHTARG = integer);",
    )
    engine = looking(postgres_url, search_path="evil, pg_catalog")

    report = await reported(engine, sql("1", CHECK.replace("users", "public.users")))

    assert [replace(CHECKED, scanned=True, line=1)] == plain(report)


async def test_a_file_may_become_another_role(postgres_url: str) -> None:
    """Everybody may look at the locks of the own session."""
    await do(postgres_url, f"{USERS} GRANT SELECT ON users TO PUBLIC")
    text = "SET ROLE pg_monitor; SELECT count(*) FROM users"

    report = await reported(looking(postgres_url), sql("1", text))

    expected = replace(CHECKED, mode=LockMode.ACCESS_SHARE, scanned=True, line=1)
    assert [expected] == plain(report)


async def test_another_try_is_another_report(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was rolled back for a lock is told of nobody, and the time begins anew."""
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    await do(postgres_url, f"{USERS} CREATE TABLE orders ()")
    engine, seen = looking(postgres_url, lock_timeout=0.2), Seen()
    text = f"ALTER TABLE orders ADD COLUMN id integer; {CHECK}"
    async with connected(postgres_url) as application, anyio.create_task_group() as tasks:
        reading = application.transaction()
        await reading.start()
        await application.execute("SELECT count(*) FROM users")

        async def apply() -> None:
            await reported(engine, sql("1", text), seen=seen)

        tasks.start_soon(apply)
        while not seen.retries:  # noqa: ASYNC110 - an event per retry is told to `seen`
            await anyio.sleep(0.02)
        await reading.rollback()

    (report,) = seen.reports
    ((whole,),) = await ask(postgres_url, "SELECT duration_ms FROM asyncmig_history")
    assert {"public.orders", "public.users"} == {r.relation for r in report.relations}
    assert report.held_ms <= whole + 100


async def test_a_lent_connection_is_looked_at(postgres_url: str) -> None:
    """With whatever codecs the application has set."""
    await do(postgres_url, USERS)
    async with connected(postgres_url) as connection:
        await connection.set_type_codec("oid", schema="pg_catalog", encoder=str, decoder=str)

        report = await reported(looking(connection), sql("1", CHECK))

    assert [replace(CHECKED, scanned=True, line=1)] == plain(report)


async def test_what_runs_through_a_pooler_is_looked_at(
    pgbouncer: Callable[..., str], postgres_url: str
) -> None:
    """A transaction stays on one connection of the server."""
    await do(postgres_url, USERS)

    report = await reported(looking(pgbouncer(PoolMode.TRANSACTION, 1)), sql("1", CHECK))

    assert [replace(CHECKED, scanned=True, line=1)] == plain(report)


async def test_without_advisory_locks_it_is_the_same(bare_url: str) -> None:
    """The row that is locked instead is one of the history, which is left out."""
    report = await reported(looking(bare_url), sql("1", USERS), sql("2", CHECK))

    assert [replace(CHECKED, scanned=True, line=1)] == plain(report)


async def test_a_setup_hook_answers_for_itself(postgres_url: str) -> None:
    """What it has locked is told as held before."""
    await do(postgres_url, USERS)

    async def setup(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
        await connection.execute("LOCK users IN SHARE MODE")

    report = await reported(looking(postgres_url, setup=setup), sql("1", "SELECT 1"))

    assert [replace(CHECKED, mode=LockMode.SHARE, inherited=True)] == plain(report)


async def test_an_error_is_still_found_where_it_is(postgres_url: str) -> None:
    """INSERTs share a message, all others go out by themselves."""
    await do(postgres_url, USERS)
    text = f"{CHECK};\nINSERT INTO users VALUES (2);\nINSERT INTO users VALUES (0);\n"

    with pytest.raises(MigrationFailedError) as caught:
        await reported(looking(postgres_url), sql("1", text))

    assert ("1_some.sql", 3, "23514") == (
        caught.value.file,
        caught.value.line,
        caught.value.sqlstate,
    )


@pytest.mark.parametrize("filler", ["", "-- x\n"], ids=["plain", "looked at"])
async def test_a_long_file_is_looked_at_section_by_section(
    postgres_url: str, migration_folder: MigrationFolder, filler: str
) -> None:
    """As any other file, although it is never kept as a whole."""
    await do(postgres_url, USERS)
    row = f"INSERT INTO users VALUES (1, '{'x' * 500}');\n{filler}"
    rows = row * (LONG // len(row) + 1)
    marker = "-- migrate:up allow:scan\n"
    migration_folder.write("1_only_rows.sql", f"{marker}{rows}")
    migration_folder.write("2_lock.sql", f"{marker}{rows}{CHECK};\n{rows}")
    events: list[Any] = []

    migrator = Migrator(
        postgres_url, migration_folder, fail_on="scan", baseline="none", observer=events.append
    )
    await migrator.up()

    reports = [event.report for event in events if isinstance(event, LocksReported)]
    lines = rows.count("\n")
    assert [
        [replace(CHECKED, mode=LockMode.ROW_EXCLUSIVE, line=2)],
        [replace(CHECKED, scanned=True, line=lines + 2)],
    ] == [plain(report) for report in reports]


async def test_who_ends_the_transaction_is_told_so(postgres_url: str) -> None:
    """A look does not hide it."""
    await do(postgres_url, USERS)
    async with locked(looking(postgres_url)) as session:
        assert isinstance(session, PostgresSession)
        history = await session.history()
        step = first_step(history, python("1", "await connection.execute('COMMIT')"))
        with pytest.raises(MigrationFailedError, match="ended the transaction"):
            await session.apply(step, history.generation, Seen().events)
