"""Concurrent statements that are cut off: what they leave is found and removed, by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig.engines.postgres import leftovers, watch
from asyncmig.engines.postgres.concurrently import Creation, Rebuilding, Scope
from asyncmig.engines.postgres.connection import Wire
from asyncmig.errors import IncompleteMigrationError, MigrationFailedError
from asyncmig.history import Generation, History, HistoryEntry, RowState
from asyncmig.migration import Limits
from tests.engines.lab import RIVAL, Seen, first_step, history_of, locked, run, sql
from tests.engines.postgres.ground import ask, connected, do, engine_for, role, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.migration import Migration

TABLE = """
CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE INDEX users_name ON users (name);
"""
DAYS = """
CREATE TABLE days (day integer) PARTITION BY RANGE (day);
CREATE TABLE days_old PARTITION OF days FOR VALUES FROM (0) TO (100);
CREATE TABLE days_new PARTITION OF days FOR VALUES FROM (100) TO (200);
CREATE INDEX days_day ON days (day);
"""
INDEXES = (
    "SELECT indexrelid::regclass::text, indisvalid FROM pg_index "
    "WHERE indrelid::regclass::text !~ '^(pg_catalog|information_schema|asyncmig)' "
    "AND indrelid >= 16384 AND indrelid::regclass::text !~ 'toast' ORDER BY 1"
)
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'asyncmig/%' "
    "AND datname = current_database() AND wait_event_type = 'Lock'"
)


def stepwise(text: str, **limits: Any) -> Migration:  # noqa: ANN401 - as Limits
    """Return a migration that runs statement by statement."""
    return sql("1", text, transaction=False, limits=Limits(**limits))


@asynccontextmanager
async def in_the_way(url: str, query: str) -> AsyncGenerator[Any]:
    """Yield an application whose transaction holds up what works concurrently."""
    async with connected(url) as application, application.transaction(isolation="repeatable_read"):
        await application.execute(query)
        yield application


async def cut_off(url: str, text: str, query: str, *, kill: bool) -> None:
    """End a run in the middle of what waits for an application: kill it, or cancel it."""
    async with in_the_way(url, query):
        task = asyncio.create_task(run(engine_for(url), stepwise(text)))
        await until(lambda: _waits(url))
        if kill:
            await end_waiting(url, "pg_terminate_backend")
        else:
            task.cancel()
        with pytest.raises((asyncio.CancelledError, Exception)):
            await task
    (row,) = await history_of(engine_for(url))
    assert row.progress is not None
    assert row.progress.started is not None


async def end_waiting(url: str, function: str) -> None:
    """Have the server end what waits."""
    await ask(url, f"SELECT {function}(pid) FROM ({WAITING}) a")


async def _waits(url: str) -> bool:
    return bool(await ask(url, WAITING))


async def finish(url: str, text: str) -> HistoryEntry:
    """Let another runner go on."""
    (entry,) = await run(engine_for(url), stepwise(text), runner=RIVAL)
    assert (RowState.APPLIED, RIVAL.run_id) == (entry.state, entry.run_id)
    return entry


VALID = [("users_name", True), ("users_pkey", True)]


@pytest.mark.parametrize(
    ("statement", "kill"),
    [
        ("REINDEX INDEX CONCURRENTLY users_name", True),
        ("REINDEX INDEX CONCURRENTLY users_name", False),
        ("REINDEX (VERBOSE, CONCURRENTLY) TABLE public.users", True),
        ("REINDEX SCHEMA CONCURRENTLY public", True),
    ],
)
async def test_a_rebuilding_that_was_cut_off_is_done_again(
    postgres_url: str,
    statement: str,
    kill: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """What it left, which costs at every write, is dropped first."""
    await do(postgres_url, TABLE)
    await cut_off(postgres_url, statement, "INSERT INTO users VALUES (1)", kill=kill)
    left = [name for name, is_valid in await ask(postgres_url, INDEXES) if not is_valid]
    assert left
    assert all(name.endswith("_ccnew") for name in left)
    await finish(postgres_url, statement)
    assert VALID == await ask(postgres_url, INDEXES)


async def test_what_an_earlier_rebuilding_left_is_dropped(postgres_url: str) -> None:
    """Also that of somebody else, of the old index too, of partitions and of long values."""
    await do(postgres_url, f"{TABLE}{DAYS}")
    old = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{}'::regclass"
    for name, table in (("users_name_ccold", "users (name)"), ("d_ccnew3", "days_old (day)")):
        await do(postgres_url, f"CREATE INDEX {name} ON {table}; {old.format(name)}")
    await run(engine_for(postgres_url), stepwise("REINDEX INDEX CONCURRENTLY users_name;"))
    names = {name for name, _ in await ask(postgres_url, INDEXES)}
    assert ("users_name_ccold" in names, "d_ccnew3" in names) == (False, True)
    again = sql("2", "REINDEX TABLE CONCURRENTLY days;", transaction=False)
    first = stepwise("REINDEX INDEX CONCURRENTLY users_name;")
    await run(engine_for(postgres_url), first, again)
    assert "d_ccnew3" not in {name for name, _ in await ask(postgres_url, INDEXES)}


LONG_VALUES = (
    "SELECT count(*) FROM pg_class t JOIN pg_index i ON i.indrelid = t.reltoastrelid "
    "WHERE t.oid = 'users'::regclass"
)


@pytest.mark.parametrize(("plain", "expected"), [(False, 1), (True, 2)])
async def test_the_index_of_long_values_is_dropped_by_who_may(
    postgres_url: str,
    plain: bool,  # noqa: FBT001 - a parameter of a test
    expected: int,
) -> None:
    """The server keeps them in a table of its own, out of reach of all but superusers."""
    name = f"plain_{abs(hash(postgres_url))}"
    await do(postgres_url, f"{TABLE}GRANT CREATE ON SCHEMA public TO public")
    statement = "REINDEX TABLE CONCURRENTLY users"
    async with role(postgres_url, name) as as_plain, connected(postgres_url) as other:
        await do(postgres_url, f"GRANT {name} TO postgres; ALTER TABLE users OWNER TO {name}")
        async with in_the_way(postgres_url, "INSERT INTO users VALUES (1)"):
            task = asyncio.create_task(other.execute(statement))
            await until(lambda: _is_building(postgres_url))
            task.cancel()
            await asyncio.wait({task})
            await until(lambda: _nobody_waits(postgres_url))
        assert [(2,)] == await ask(postgres_url, LONG_VALUES)
        await run(engine_for(as_plain if plain else postgres_url), stepwise(statement))
        assert [(expected,)] == await ask(postgres_url, LONG_VALUES)
        assert VALID == await ask(postgres_url, INDEXES)


async def _nobody_waits(url: str) -> bool:
    """Tell whether the server has heard that a statement is cancelled: it does so in its time."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return not await ask(url, f"{waiting} AND datname = current_database()")


async def test_an_invalid_index_that_is_rebuilt_is_valid(postgres_url: str) -> None:
    """That is how an index is repaired by hand."""
    await do(postgres_url, TABLE)
    await do(
        postgres_url,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_name'::regclass",
    )
    await run(engine_for(postgres_url), stepwise("REINDEX INDEX CONCURRENTLY users_name"))
    assert VALID == await ask(postgres_url, INDEXES)


@pytest.mark.parametrize("plain", [True, False])
async def test_a_rebuilding_by_somebody_else_is_left_alone(
    postgres_url: str,
    plain: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Its index is invalid as long as it takes; a plain role sees only that it has the table."""
    await do(postgres_url, f"{TABLE}GRANT CREATE ON SCHEMA public TO public")
    name = f"plain_{abs(hash(postgres_url))}"
    statement = "REINDEX TABLE CONCURRENTLY users"
    async with role(postgres_url, name) as as_plain, connected(postgres_url) as builder:
        await do(postgres_url, f"GRANT {name} TO postgres; ALTER TABLE users OWNER TO {name}")
        async with in_the_way(postgres_url, "INSERT INTO users VALUES (1)"):
            task = asyncio.create_task(builder.execute(statement))
            await until(lambda: _is_building(postgres_url))
            url = as_plain if plain else postgres_url
            with anyio.fail_after(10), pytest.raises(MigrationFailedError, match="another session"):
                await run(engine_for(url), stepwise(statement))
        await task
        await run(engine_for(url), stepwise(statement))
        assert VALID == await ask(postgres_url, INDEXES)


async def _is_building(url: str) -> bool:
    building = "SELECT 1 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"
    return bool(await ask(url, f"{building} AND datname = current_database()"))


@pytest.mark.parametrize(
    "work", [Creation("users_name", "users"), Rebuilding(Scope.INDEX, "users_name")]
)
async def test_an_index_that_is_invalid_at_the_end_of_it_all_is_an_error(
    postgres_url: str, work: Creation | Rebuilding
) -> None:
    """Whatever the server says of the statement: the index must be valid."""
    await do(postgres_url, TABLE)
    spoil = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_name'::regclass"
    step = first_step(History(), stepwise("SELECT 1"))
    async with connected(postgres_url) as connection:
        with pytest.raises(MigrationFailedError, match=r"left an invalid index: .*users_name"):
            async with leftovers.whole(Wire(connection, lent=True), step, work):
                await connection.execute(spoil)


PARTITIONS = "SELECT inhrelid::regclass::text, inhdetachpending FROM pg_inherits ORDER BY 1"
DETACH = "ALTER TABLE days DETACH PARTITION days_old CONCURRENTLY;"
DETACHED = [("days_new", False)]


async def partitions(url: str) -> list[tuple[Any, ...]]:
    """Return the partitions, without the indexes that are partitioned as well."""
    rows = await ask(url, PARTITIONS)
    return [row for row in rows if row[0] in {"days_old", "days_new"}]


@pytest.mark.parametrize("kill", [True, False])
async def test_a_partition_that_is_half_detached_is_detached(
    postgres_url: str,
    kill: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The statement itself would be refused: only FINALIZE goes on from there."""
    await do(postgres_url, DAYS)
    await cut_off(postgres_url, DETACH, "SELECT * FROM days", kill=kill)
    assert ("days_old", True) in await partitions(postgres_url)
    await finish(postgres_url, DETACH)
    assert DETACHED == await partitions(postgres_url)


async def test_a_partition_that_somebody_half_detached_is_detached(postgres_url: str) -> None:
    """It does not matter who was cut off."""
    await do(postgres_url, DAYS)
    async with in_the_way(postgres_url, "SELECT * FROM days"), connected(postgres_url) as other:
        task = asyncio.create_task(other.execute(DETACH))
        await until(lambda: _is_pending(postgres_url))
        task.cancel()
        await asyncio.wait({task})
        await until(lambda: _nobody_waits(postgres_url))
    await run(engine_for(postgres_url), stepwise(DETACH))
    assert DETACHED == await partitions(postgres_url)


async def _is_pending(url: str) -> bool:
    return ("days_old", True) in await partitions(url)


async def test_a_partition_that_was_detached_is_not_looked_for(postgres_url: str) -> None:
    """The run died between the statement and its note."""
    await do(postgres_url, DAYS)
    await run(engine_for(postgres_url), stepwise(DETACH))
    await _pretend_started(postgres_url)
    await finish(postgres_url, DETACH)
    assert DETACHED == await partitions(postgres_url)


async def test_a_partition_that_is_attached_is_detached_again(postgres_url: str) -> None:
    """The run died between its note and the statement."""
    await do(postgres_url, DAYS)
    await run(engine_for(postgres_url), stepwise(DETACH))
    await do(
        postgres_url, "ALTER TABLE days ATTACH PARTITION days_old FOR VALUES FROM (0) TO (100)"
    )
    await _pretend_started(postgres_url)
    await finish(postgres_url, DETACH)
    assert DETACHED == await partitions(postgres_url)


async def test_a_partition_that_is_gone_is_asked_about(postgres_url: str) -> None:
    """It was detached and dropped, or it was renamed: nobody can tell."""
    await do(postgres_url, DAYS)
    await run(engine_for(postgres_url), stepwise(DETACH))
    await do(postgres_url, "DROP TABLE days_old")
    await _pretend_started(postgres_url)
    with pytest.raises(IncompleteMigrationError, match="stopped at `ALTER TABLE days DETACH"):
        await finish(postgres_url, DETACH)


async def _pretend_started(url: str) -> None:
    """Set the row back to where its last statement was started and not seen to finish."""
    (entry,) = await history_of(engine_for(url))
    assert entry.progress is not None
    *done, last = entry.progress.done
    progress = str({"done": done, "started": last}).replace("'", '"')
    await do(url, f"UPDATE asyncmig_history SET state = 'applying', progress = '{progress}'")


async def test_a_view_is_refreshed_in_a_transaction(postgres_url: str) -> None:
    """It can be done again, and waits no longer than anything else."""
    await do(
        postgres_url,
        "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX v_a ON v (a)",
    )
    limit = "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l;"
    text = f"REFRESH MATERIALIZED VIEW CONCURRENTLY v;\n{limit}"
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    assert RowState.APPLIED is entry.state
    assert [("2s",)] == await ask(postgres_url, "SELECT l FROM seen")


# --- the budget -------------------------------------------------------------------------------

BUILD = "CREATE INDEX CONCURRENTLY users_id ON users (id);"


async def fail(url: str, migration: Migration) -> MigrationFailedError:
    """Apply a migration in whose way somebody stays, and return what came of it."""
    async with locked(engine_for(url)) as session:
        with anyio.fail_after(20), pytest.raises(MigrationFailedError) as caught:
            await session.apply(first_step(History(), migration), Generation(), Seen().events)
    return caught.value


async def test_a_build_that_overspends_its_budget_leaves_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says for whom it waited, and how to give it more; then it goes on."""
    monkeypatch.setattr(watch, "_FIRST_LOOK", 0.1)
    await do(postgres_url, f"{TABLE}CREATE TABLE other (id integer)")
    async with in_the_way(postgres_url, "INSERT INTO other VALUES (1)") as application:
        error = await fail(postgres_url, stepwise(BUILD, budget=0.7))
        pid = application.get_server_pid()
    assert "57014" == error.sqlstate
    assert error.message.endswith("(its budget of 0.7 s is used up)")
    assert f"(pid {pid}, " in error.hint
    assert "--budget" in error.hint
    assert VALID == await ask(postgres_url, INDEXES)
    await finish(postgres_url, BUILD)


async def test_what_cannot_be_dropped_at_once_is_named_and_dropped_later(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom the build waited for may be in the way of dropping its index, too."""
    monkeypatch.setattr(leftovers, "_SWEEP", "SET statement_timeout = '200ms'")
    await do(postgres_url, TABLE)
    async with in_the_way(postgres_url, "INSERT INTO users VALUES (1)"):
        error = await fail(postgres_url, stepwise(BUILD, budget=0.5))
    assert "the invalid index public.users_id is left" in error.hint
    await finish(postgres_url, BUILD)
    assert ("users_id", True) in await ask(postgres_url, INDEXES)


async def test_a_person_may_cancel_a_build(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no matter of a budget."""
    monkeypatch.setattr(leftovers, "_SWEEP", "SET statement_timeout = '200ms'")
    await do(postgres_url, TABLE)
    async with in_the_way(postgres_url, "INSERT INTO users VALUES (1)"):
        task = asyncio.create_task(fail(postgres_url, stepwise(BUILD)))
        await until(lambda: _waits(postgres_url))
        await end_waiting(postgres_url, "pg_cancel_backend")
        error = await task
    assert error.message.endswith("canceling statement due to user request")


LIMITS = (
    "CREATE FUNCTION limits(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
    "IF current_setting('statement_timeout') <> '{}' OR current_setting('lock_timeout') <> '{}' "
    "THEN RAISE 'limited to % and %', current_setting('statement_timeout'), "
    "current_setting('lock_timeout'); END IF; RETURN 1; END $$;\n"
)


@pytest.mark.parametrize(
    ("head", "limits", "expected"),
    [
        ("", {}, ("6h", "0")),
        ("", {"budget": 90.0, "statement_timeout": 1.0, "lock_timeout": 1.0}, ("90s", "0")),
        ("", {"budget": float("inf")}, ("0", "0")),
        ("SET statement_timeout = '7s'; SET lock_timeout = '8s';\n", {}, ("7s", "8s")),
    ],
)
async def test_a_build_has_a_budget_in_place_of_the_time_outs(
    postgres_url: str, head: str, limits: dict[str, float], expected: tuple[str, str]
) -> None:
    """One that the file sets for itself stays."""
    await do(postgres_url, f"{TABLE}INSERT INTO users VALUES (1);")
    await do(postgres_url, LIMITS.format(*expected))
    build = BUILD.replace("(id)", "(limits(id))")
    await run(engine_for(postgres_url), stepwise(f"{head}{build}", **limits))


async def test_what_blocks_others_has_a_lock_timeout_outside_of_a_transaction_too(
    postgres_url: str,
) -> None:
    """VACUUM FULL wants the table for itself, and everybody else waits behind it."""
    await do(postgres_url, TABLE)
    seen = Seen()
    async with locked(engine_for(postgres_url)) as session:
        async with in_the_way(postgres_url, "SELECT * FROM users"):
            step = first_step(History(), stepwise("VACUUM FULL users", lock_timeout=0.1))
            task = asyncio.create_task(session.apply(step, Generation(), seen.events))
            with anyio.fail_after(10):
                while not seen.retries:  # noqa: ASYNC110 - it is told to `seen`
                    await anyio.sleep(0.02)
        await task
    assert seen.retries[0].endswith("canceling statement due to lock timeout")
