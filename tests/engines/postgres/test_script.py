"""The script of `plan --sql`, run through psql."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.errors import InvalidMigrationError, MigrationFailedError
from asyncmig.history import History, RowState
from asyncmig.migration import Limits
from asyncmig.plan import make_plan
from tests.engines.lab import (
    DOWN,
    LAX,
    RIVAL,
    RUNNER,
    UP,
    facts,
    history_of,
    locked,
    python,
    repeatable,
    run,
    sql,
)
from tests.engines.postgres.ground import ask, do, engine_for
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from asyncmig.migration import Migration
    from asyncmig.request import Request
    from tests.commands import Finished

    Psql = Callable[[str, str], Finished]

MIGRATIONS = (
    sql(
        "001",
        "CREATE TABLE users (id integer PRIMARY KEY, name text);\n"
        "INSERT INTO users VALUES (1, 'it''s; é :USER\n\\q');\n-- the end; of it",
        "DROP TABLE users; -- 'gone'",
    ),
    sql("2", "-- only a comment", "-- nor here"),
    sql(
        "3",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;\n"
        "SET client_encoding = 'LATIN1'; SET search_path = nowhere; SET ROLE pg_monitor",
        "DROP FUNCTION f()",
    ),
    sql(
        "4",
        "SET search_path = public;\nCREATE INDEX CONCURRENTLY users_name ON users (name);\n"
        "BEGIN;\nINSERT INTO users VALUES (2, 'é\\');\n"
        "INSERT INTO users VALUES (3, 'c');\nCOMMIT;\n"
        "SET ROLE pg_monitor;\nVACUUM (ANALYZE) pg_catalog.pg_class /* not mine */",
        "DROP INDEX CONCURRENTLY users_name;\nDELETE FROM users WHERE id > 1",
        transaction=False,
    ),
    repeatable("view", "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM users;"),
)
CATALOGUE = (
    "SELECT 'column', attrelid::regclass::text || '.' || attname, format_type(atttypid, atttypmod) "
    "FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
    "WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped "
    "UNION ALL SELECT 'index', indexrelid::regclass::text, "
    "pg_get_indexdef(indexrelid) || indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
    "WHERE relnamespace = 'public'::regnamespace "
    "UNION ALL SELECT 'function', proname, prosrc FROM pg_proc "
    "WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2, 3"
)
DATA = "SELECT id, name FROM users ORDER BY id"


@pytest.fixture
def other_url(postgres_server: str, postgres_url: str) -> Generator[str]:
    """Yield a second database, for psql."""
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    with fresh_database(postgres_server, f"{name}_psql") as url:
        yield url


async def script_for(url: str, *migrations: Migration, request: Request = UP) -> str:
    """Return the script for what is to be done."""
    engine = engine_for(url)
    plan = make_plan(migrations, await history_of(engine), request, LAX)
    return engine.script(plan, RUNNER)


async def look(url: str) -> list[Any]:
    """Return catalogue and history, without what differs from run to run."""
    return [
        await ask(url, CATALOGUE),
        [facts(entry) for entry in await history_of(engine_for(url))],
    ]


async def test_psql_does_what_a_run_does(postgres_url: str, other_url: str, psql: Psql) -> None:
    """Up, again with a changed repeatable, and down: the same database and the same history."""
    await run(engine_for(postgres_url), *MIGRATIONS)
    done = psql(other_url, await script_for(other_url, *MIGRATIONS))
    assert (0, "") == (done.exit_code, _complaints(done.stderr))
    assert await look(postgres_url) == await look(other_url)
    assert await ask(postgres_url, DATA) == await ask(other_url, DATA)
    changed = (*MIGRATIONS[:4], repeatable("view", "DROP VIEW v; CREATE VIEW v AS SELECT 1 AS n;"))
    await run(engine_for(postgres_url), *changed)
    assert 0 == psql(other_url, await script_for(other_url, *changed)).exit_code
    assert await look(postgres_url) == await look(other_url)
    back = replace(DOWN, steps=3)
    await run(engine_for(postgres_url), *changed, request=back)
    done = psql(other_url, await script_for(other_url, *changed, request=back))
    assert (0, "") == (done.exit_code, _complaints(done.stderr))
    assert await look(postgres_url) == await look(other_url)


def _complaints(stderr: str) -> str:
    return "".join(line for line in stderr.splitlines() if "ERROR" in line or "FATAL" in line)


async def test_a_second_run_of_a_script_does_nothing(postgres_url: str, psql: Psql) -> None:
    """It says that the plan is out of date."""
    script = await script_for(postgres_url, *MIGRATIONS)
    assert 0 == psql(postgres_url, script).exit_code
    before = await look(postgres_url)
    again = psql(postgres_url, script)
    assert (3, before) == (again.exit_code, await look(postgres_url))
    assert "the history has moved since the plan was made" in again.stderr


async def test_a_failing_statement_stops_the_script(postgres_url: str, psql: Psql) -> None:
    """Nothing of its migration is left, what was before is, and nothing follows."""
    broken = sql("2", "CREATE TABLE two ();\nNONSENSE;\nCREATE TABLE three ();")
    first, last = sql("1", "CREATE TABLE one ()"), sql("3", "CREATE TABLE four ()")
    done = psql(postgres_url, await script_for(postgres_url, first, broken, last))
    assert 3 == done.exit_code
    tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    assert [("asyncmig_history",), ("one",)] == await ask(postgres_url, tables)
    assert ["1"] == [entry.key for entry in await history_of(engine_for(postgres_url))]


async def test_a_script_waits_for_nobody(postgres_url: str, psql: Psql) -> None:
    """While a runner holds the lock, it stops at once, and makes no table either."""
    script = await script_for(postgres_url, *MIGRATIONS)
    async with locked(engine_for(postgres_url)):
        await do(postgres_url, "DROP TABLE asyncmig_history")
        done = psql(postgres_url, script)
    assert 3 == done.exit_code
    assert "another runner holds the lock" in done.stderr
    assert History(exists=False) == await history_of(engine_for(postgres_url))


async def test_what_a_script_left_unfinished_a_run_finishes(postgres_url: str, psql: Psql) -> None:
    """And the other way round: both keep the same notes."""
    text = "SET search_path = app;\nCREATE TABLE a ();\n{}"
    broken = sql("1", text.format("NONSENSE;"), transaction=False)
    whole = sql("1", text.format("CREATE TABLE b ();"), transaction=False)
    await do(postgres_url, "CREATE SCHEMA app")
    assert 3 == psql(postgres_url, await script_for(postgres_url, broken)).exit_code
    with pytest.raises(MigrationFailedError):
        await run(engine_for(postgres_url), broken)
    assert 0 == psql(postgres_url, await script_for(postgres_url, whole)).exit_code
    (entry,) = await history_of(engine_for(postgres_url))
    assert (RowState.APPLIED, whole.checksum) == (entry.state, entry.checksum)
    places = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'app' ORDER BY 1"
    assert [("a",), ("b",)] == await ask(postgres_url, places)


async def test_the_search_path_of_the_settings_is_in_the_script(
    postgres_url: str, psql: Psql
) -> None:
    """In a transaction and without one."""
    await do(postgres_url, "CREATE SCHEMA app")
    engine = engine_for(postgres_url, search_path="app")
    steps = [sql("1", "CREATE TABLE a ()"), sql("2", "CREATE TABLE b ()", transaction=False)]
    plan = make_plan(steps, await history_of(engine), UP, LAX)
    assert 0 == psql(postgres_url, engine.script(plan, RIVAL)).exit_code
    places = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'app' ORDER BY 1"
    assert [("a",), ("b",)] == await ask(postgres_url, places)


@pytest.mark.parametrize(
    ("head", "around", "within"),
    [
        ("", ("2s", "3s"), ("0", "9s")),
        ("SET lock_timeout = '7s';\n", ("7s", "3s"), ("7s", "9s")),
    ],
)
async def test_the_limits_of_a_file_are_in_the_script(
    postgres_url: str, psql: Psql, head: str, around: tuple[str, str], within: tuple[str, str]
) -> None:
    """An index build has a budget and no lock_timeout; what the file sets for itself stays."""
    await do(
        postgres_url,
        "CREATE TABLE users (id int); INSERT INTO users VALUES (1); "
        "CREATE FUNCTION limits() RETURNS text[] STABLE LANGUAGE sql AS $$ SELECT ARRAY["
        "current_setting('lock_timeout'), current_setting('statement_timeout')] $$; "
        "CREATE FUNCTION checked(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
        f"IF public.limits() <> ARRAY{list(within)} THEN RAISE 'limited'; END IF; "
        "RETURN 1; END $$",
    )
    text = (
        f"{head}CREATE TABLE before AS SELECT limits() AS l;\n"
        "CREATE INDEX CONCURRENTLY i ON users (checked(id));\n"
        "CREATE TABLE after AS SELECT limits() AS l;"
    )
    limits = Limits(statement_timeout=3.0, budget=9.0)
    script = await script_for(postgres_url, sql("1", text, transaction=False, limits=limits))
    done = psql(postgres_url, script)
    assert (0, "") == (done.exit_code, _complaints(done.stderr))
    seen = "SELECT b.l, a.l FROM before b, after a"
    assert [(list(around), list(around))] == await ask(postgres_url, seen)


async def test_python_cannot_be_a_script(postgres_url: str) -> None:
    """The sentence says what to do instead."""
    with pytest.raises(InvalidMigrationError, match="cannot be written as a script"):
        await script_for(postgres_url, python("1", "pass"))
