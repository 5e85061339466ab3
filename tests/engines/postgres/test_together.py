"""A single transaction on PostgreSQL: its locks, its settings, and the end of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import asyncpg
import pytest

from asyncmig import Migrator
from asyncmig.engines.postgres import patience
from asyncmig.errors import (
    DatabaseUnavailableError,
    LockPolicyError,
    MigrationFailedError,
    TransactionLostError,
)
from asyncmig.events import LocksReported, MigrationApplied
from asyncmig.history import History
from asyncmig.lock_policy import LockPolicy
from asyncmig.migration import Limits
from asyncmig.plan import make_plan
from asyncmig.request import Durability
from tests.engines.lab import (
    LAX,
    UP,
    Seen,
    history_of,
    locked,
    python,
    share_of,
    sql,
    together,
)
from tests.engines.postgres.ground import ask, connected, do, engine_for, until_quiet
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.engines.base import Engine
    from asyncmig.events import Event
    from asyncmig.migration import Migration
    from tests.migration_folder import MigrationFolder

    Pooler = Callable[..., str]

OTHER = sql("1", "CREATE TABLE other (id integer);")
COLUMN = sql("2", "ALTER TABLE users ADD COLUMN name text;")
COLUMN_IN_PYTHON = "await connection.execute('ALTER TABLE users ADD COLUMN name text')"
OTHERS = "SELECT to_regclass('other')::text"
FAMILY = """
CREATE TABLE parents (id integer PRIMARY KEY);
CREATE TABLE children (id integer, parent integer
  REFERENCES parents DEFERRABLE INITIALLY {});
"""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(patience, "_LONGEST_DELAY", 0.1)


async def keys(url: str) -> list[str]:
    """Return the versions of the history, in order."""
    return [entry.key for entry in await history_of(engine_for(url))]


# --- what one leaves to the next ------------------------------------------------------------------


async def test_settings_of_one_do_not_reach_the_next(postgres_url: str) -> None:
    """Neither its search_path nor its time-outs, nor its role, nor what it has prepared."""
    await do(postgres_url, "CREATE SCHEMA aside")
    messy = (
        "SET search_path = aside; SET LOCAL work_mem = '2MB'; SET statement_timeout = 1234;\n"
        "SET TimeZone = 'Asia/Tokyo'; SET LOCAL ROLE pg_monitor;\n"
        "PREPARE one AS SELECT 1; LISTEN news;"
    )
    telling = "CREATE TABLE {name} AS SELECT current_user AS u, " + ", ".join(
        f"current_setting('{name}') AS {name}"
        for name in ("search_path", "work_mem", "statement_timeout", "TimeZone", "lock_timeout")
    )
    prepared = " , (SELECT count(*) FROM pg_prepared_statements) AS prepared;"
    before, after = (sql(v, telling.format(name=n) + prepared) for v, n in (("1", "a"), ("3", "b")))

    await together(engine_for(postgres_url), before, sql("2", messy), after)

    found = [await ask(postgres_url, f"SELECT * FROM public.{name}") for name in ("a", "b")]
    assert found[0] == found[1]


async def test_limits_of_one_file_are_not_those_of_the_next(postgres_url: str) -> None:
    """Each has what its own marker says."""
    told = "CREATE TABLE t{} AS SELECT current_setting('lock_timeout') AS t;"
    first = sql("1", told.format(1), limits=Limits(lock_timeout=0.5))
    second = sql("2", told.format(2))

    await together(engine_for(postgres_url), first, second)

    assert [("500ms", "2s")] == await ask(postgres_url, "SELECT t1.t, t2.t FROM t1, t2")


@pytest.mark.parametrize("first", ["", "SET CONSTRAINTS ALL IMMEDIATE;"])
async def test_deferred_constraints_are_deferred_in_each(postgres_url: str, first: str) -> None:
    """Each step may break one in the middle, as in a transaction of its own."""
    circular = "INSERT INTO children VALUES ({0}, {0}); INSERT INTO parents VALUES ({0});"

    await together(
        engine_for(postgres_url),
        sql("1", FAMILY.format("DEFERRED")),
        sql("2", circular.format(1) + first),
        sql("3", circular.format(2)),
        sql(
            "4",
            FAMILY.format("DEFERRED")
            .replace("TABLE ", "TABLE more_")
            .replace("REFERENCES ", "REFERENCES more_")
            + circular.format(3).replace("INTO ", "INTO more_"),
        ),
    )

    assert [(2,)] == await ask(postgres_url, "SELECT count(*) FROM children")
    assert [(1,)] == await ask(postgres_url, "SELECT count(*) FROM more_children")


async def test_constraints_that_are_immediate_at_first_are_so_in_each(postgres_url: str) -> None:
    """Also behind one that has deferred them all: the statement is named that breaks one."""
    await do(postgres_url, FAMILY.format("IMMEDIATE"))
    deferring = sql("1", "SET CONSTRAINTS ALL DEFERRED;\nINSERT INTO parents VALUES (1);")
    breaking = sql("2", "SELECT 1;\nINSERT INTO children VALUES (7, 7);\nSELECT 2;")

    with pytest.raises(MigrationFailedError, match="foreign key") as caught:
        await together(engine_for(postgres_url), deferring, breaking)

    assert ("2", 2) == (caught.value.version, caught.value.line)


async def test_who_breaks_a_deferred_constraint_is_named(postgres_url: str) -> None:
    """It is checked at the end of each step: what a later one would put right does not count."""
    await do(postgres_url, FAMILY.format("DEFERRED"))
    breaking = sql("1", "INSERT INTO children VALUES (7, 7);")
    mending = sql("2", "INSERT INTO parents VALUES (7);")

    with pytest.raises(MigrationFailedError, match="foreign key") as caught:
        await together(engine_for(postgres_url), breaking, mending)

    assert "1" == caught.value.version
    assert [] == await keys(postgres_url)


async def test_checks_that_are_due_do_not_stop_the_next(postgres_url: str) -> None:
    """No "pending trigger events": a table that was filled can be altered by the next."""
    await together(
        engine_for(postgres_url),
        sql("1", FAMILY.format("DEFERRED") + "INSERT INTO parents VALUES (1);"),
        sql("2", "INSERT INTO children VALUES (1, 1);"),
        sql("3", "ALTER TABLE children ADD COLUMN name text;"),
    )

    assert ["1", "2", "3"] == await keys(postgres_url)


async def test_the_hook_prepares_each_of_them(postgres_url: str) -> None:
    """It runs in front of each, inside the transaction."""

    async def hook(connection: Any) -> None:  # noqa: ANN401 - the driver's own
        await connection.execute("SET app.tenant = 'shop'")

    text = "CREATE TABLE t{0} AS SELECT current_setting('app.tenant') AS tenant;"
    engine = engine_for(postgres_url, setup=hook)

    await together(engine, sql("1", text.format(1)), sql("2", text.format(2)))

    assert [("shop", "shop")] == await ask(postgres_url, "SELECT t1.tenant, t2.tenant FROM t1, t2")


# --- locks ----------------------------------------------------------------------------------------


async def _blocked(url: str, engine: Engine, *migrations: Migration, seen: Seen) -> None:
    """Apply migrations in whose way somebody is until they have been tried twice."""
    await do(url, "CREATE TABLE users (id int)")
    async with connected(url) as application, anyio.create_task_group() as tasks:
        reading = application.transaction()
        await reading.start()
        await application.execute("SELECT count(*) FROM users")

        async def apply() -> None:
            await together(engine, *migrations, seen=seen)

        tasks.start_soon(apply)
        with anyio.fail_after(30):
            while len(seen.retries) < 2:  # noqa: ASYNC110 - an event per retry is told to `seen`
                await anyio.sleep(0.02)
        assert [(None,)] == await ask(url, OTHERS)
        await reading.rollback()


async def test_all_of_it_is_tried_again_when_one_is_blocked(postgres_url: str) -> None:
    """Every lock is let go of in between, those of the steps before it, too."""
    seen = Seen()

    await _blocked(
        postgres_url, engine_for(postgres_url, lock_timeout=0.2), OTHER, COLUMN, seen=seen
    )

    assert ["1", "2"] == await keys(postgres_url)
    assert 2 * (len(seen.retries) + 1) == seen.started
    assert {"canceling statement due to lock timeout"} == {
        why.rpartition(": ")[2] for why in seen.retries
    }


async def test_python_that_says_so_is_run_again_with_the_others(postgres_url: str) -> None:
    """Whether it was blocked itself, or one that came after it."""
    harmless = python("1", "await connection.execute('CREATE TABLE other ()')", retry=True)

    await _blocked(
        postgres_url, engine_for(postgres_url, lock_timeout=0.2), harmless, COLUMN, seen=Seen()
    )

    assert ["1", "2"] == await keys(postgres_url)


@pytest.mark.parametrize(
    ("migrations", "line"),
    [
        ((python("1", "await connection.execute('CREATE TABLE other ()')"), COLUMN), 1),
        ((OTHER, python("2", COLUMN_IN_PYTHON)), 2),
    ],
    ids=["before it", "itself"],
)
async def test_python_that_must_not_run_twice_ends_it(
    postgres_url: str, migrations: tuple[Migration, ...], line: int
) -> None:
    """What it did outside of the database would happen again."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    seen = Seen()
    async with connected(postgres_url) as application, application.transaction():
        await application.execute("SELECT count(*) FROM users")
        with pytest.raises(MigrationFailedError, match="tried once") as caught:
            await together(engine_for(postgres_url, lock_timeout=0.1), *migrations, seen=seen)

    assert ("55P03", line) == (caught.value.sqlstate, caught.value.line)
    assert ([], 2) == (seen.retries, seen.started)
    assert [(None,)] == await ask(postgres_url, OTHERS)


async def test_python_that_was_not_reached_does_not_keep_the_others_from_another_try(
    postgres_url: str,
) -> None:
    """It has not run, so nothing happens twice."""
    last = python("3", "await connection.execute('CREATE TABLE last ()')")

    await _blocked(
        postgres_url,
        engine_for(postgres_url, lock_timeout=0.2),
        OTHER,
        COLUMN,
        last,
        seen=Seen(),
    )

    assert ["1", "2", "3"] == await keys(postgres_url)


async def test_it_gives_up_after_as_many_tries_as_the_blocked_one_has(postgres_url: str) -> None:
    """Its own marker says how many, and its name is in the error."""
    await do(postgres_url, "CREATE TABLE users (id int)")
    patient = sql("2", "ALTER TABLE users ADD COLUMN name text;", limits=Limits(retries=2))
    async with connected(postgres_url) as application, application.transaction():
        await application.execute("SELECT count(*) FROM users")
        with pytest.raises(MigrationFailedError, match="tried 3 times") as caught:
            await together(engine_for(postgres_url, lock_timeout=0.1, retries=0), OTHER, patient)

    assert "2" == caught.value.version
    assert [] == await keys(postgres_url)


async def test_a_policy_takes_all_of_them_back(postgres_url: str) -> None:
    """What one of them must not lock is found before the COMMIT of all."""
    await do(postgres_url, "CREATE TABLE users (id int); INSERT INTO users VALUES (1)")
    rewrite = sql("2", "ALTER TABLE users ALTER COLUMN id TYPE bigint;")
    engine = engine_for(postgres_url, locks=LockPolicy.of("rewrite", 0, report=True))
    seen = Seen()

    with pytest.raises(LockPolicyError) as caught:
        await together(engine, OTHER, rewrite, seen=seen)

    assert "2" == caught.value.version
    assert 2 == len(seen.reports)
    assert ["public.users"] == [r.relation for r in seen.reports[1].relations if r.rewritten]
    assert [(None,)] == await ask(postgres_url, OTHERS)


async def test_locks_are_reported_before_success_is_told(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """One report for each migration; then the COMMIT; then one success for each."""
    migration_folder.write("1_other.sql", "CREATE TABLE other (id integer);\n")
    migration_folder.write("2_index.sql", "CREATE INDEX other_id ON other (id);\n")
    told: list[Event] = []
    migrator = Migrator(postgres_url, migration_folder, lock_report=True, observer=told.append)

    await migrator.up(single_transaction=True)

    kinds = (LocksReported, MigrationApplied)
    assert [
        (LocksReported, "1"),
        (LocksReported, "2"),
        (MigrationApplied, "1"),
        (MigrationApplied, "2"),
    ] == [(type(event), event.version) for event in told if isinstance(event, kinds)]


# --- its end --------------------------------------------------------------------------------------


async def test_a_new_value_of_an_enum_cannot_be_used_yet(postgres_url: str) -> None:
    """PostgreSQL wants it committed before; the hint says what to do."""
    await do(postgres_url, "CREATE TYPE mood AS ENUM ('sad')")
    adding = sql("1", "ALTER TYPE mood ADD VALUE 'glad';")
    using = sql("2", "CREATE TABLE moods AS SELECT 'glad'::mood AS mood;")

    with pytest.raises(MigrationFailedError, match="unsafe use of new value") as caught:
        await together(engine_for(postgres_url), adding, using)

    assert ("2", "55P04", 1) == (caught.value.version, caught.value.sqlstate, caught.value.line)
    assert caught.value.hint.endswith(
        "Give ALTER TYPE … ADD VALUE a migration of its own, and apply it without "
        "--single-transaction"
    )


async def test_a_commit_of_the_author_is_an_error_that_says_so(postgres_url: str) -> None:
    """Nobody can take back what that has committed: the row in between is the trace."""
    ending = python("2", "await connection.execute('COMMIT')")

    with pytest.raises(TransactionLostError) as caught:
        await together(engine_for(postgres_url), OTHER, ending, sql("3", "SELECT 1;"))

    assert "2" == caught.value.version
    assert [("1", "applied"), ("2", "applying")] == [
        (entry.key, entry.state.value) for entry in await history_of(engine_for(postgres_url))
    ]


async def test_a_backend_that_dies_takes_all_of_them_along(postgres_url: str) -> None:
    """The lock is free afterwards, and the next run applies everything."""
    dying = python("2", "await connection.execute('SELECT pg_terminate_backend(pg_backend_pid())')")

    with pytest.raises(DatabaseUnavailableError):
        await together(engine_for(postgres_url), OTHER, dying)

    await until_quiet(postgres_url)
    assert [] == await keys(postgres_url)
    await together(engine_for(postgres_url), OTHER, sql("2", "SELECT 1;"))
    assert ["1", "2"] == await keys(postgres_url)


async def test_durability_run_waits_for_the_disk_here(postgres_url: str) -> None:
    """There is but one COMMIT, so it waits, and no flush is needed."""
    telling = "CREATE TABLE t AS SELECT 1;"
    async with locked(engine_for(postgres_url, durability=Durability.RUN)) as session:
        steps = make_plan([sql("1", telling)], History(), UP, LAX).steps
        await session.apply_together([share_of(s, Seen()) for s in steps], History().generation)
        assert None is session.unflushed  # type: ignore[attr-defined]
        await session.flush()

    assert ["1"] == await keys(postgres_url)


async def test_it_works_through_a_pooler(pgbouncer: Pooler, postgres_url: str) -> None:
    """It is one transaction, which is what a pooler gives out; nothing is left to the next."""
    engine = engine_for(pgbouncer(PoolMode.TRANSACTION, 1))
    messy = sql("1", "SET search_path = pg_catalog; CREATE TEMP TABLE notes (id integer);")

    await together(engine, messy, sql("2", "CREATE TABLE other (id integer);"))

    assert ["1", "2"] == await keys(postgres_url)
    assert [("other",)] == await ask(postgres_url, OTHERS)


async def test_a_lent_connection_comes_back_as_it_was(postgres_url: str) -> None:
    """With the application's own settings in front of each, and behind the last."""
    messy = sql("1", "SET work_mem = '3MB'; SET search_path = pg_catalog;")
    telling = sql("2", "CREATE TABLE public.t AS SELECT current_setting('work_mem') AS found;")
    async with connected(postgres_url) as application:
        await application.execute("SET work_mem = '5MB'")

        await together(engine_for(application), messy, telling)

        assert "5MB" == await application.fetchval("SHOW work_mem")
        assert [("5MB",)] == [tuple(r) for r in await application.fetch("SELECT found FROM t")]


async def test_a_pool_gives_a_connection_for_it(postgres_url: str) -> None:
    """As for every other run."""
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        await together(engine_for(pool), OTHER, python("2", "await connection.execute('SELECT 1')"))

    assert ["1", "2"] == await keys(postgres_url)
