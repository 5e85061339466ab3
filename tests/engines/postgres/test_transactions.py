"""Steps in a transaction: what they leave, what they must not leave, and where they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.base import HistoryMovedError, failure_of
from asyncmig.engines.postgres import transactional
from asyncmig.errors import (
    IncompleteMigrationError,
    MigrationFailedError,
    TransactionLostError,
)
from asyncmig.history import Generation, History, RowState
from asyncmig.plan import Step
from asyncmig.repair import Decision, plan_repair
from asyncmig.sql import Dialect
from tests.engines.lab import Lab, Seen, first_step, history_of, locked, python, run, sql
from tests.engines.long_scripts import TABLE, long, rows
from tests.engines.postgres.ground import ask, do, engine_for

if TYPE_CHECKING:
    from asyncmig.migration import Migration

USERS = "CREATE TABLE users (id integer PRIMARY KEY);\n"
HOSTILE = """
CREATE SCHEMA evil;
CREATE DOMAIN evil.text AS integer;
CREATE DOMAIN evil.oid AS integer;
CREATE DOMAIN evil.timestamptz AS integer;
CREATE TABLE evil.asyncmig_history (id integer);
CREATE FUNCTION evil.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION evil.no(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION evil.no(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR evil.= (FUNCTION = evil.no, LEFTARG = name, RIGHTARG = name);
CREATE FUNCTION evil.max(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 99::bigint';
CREATE FUNCTION evil.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION evil.clock_timestamp() RETURNS pg_catalog.timestamptz LANGUAGE sql
    AS 'SELECT NULL::pg_catalog.timestamptz';
CREATE FUNCTION evil.to_regclass(pg_catalog.text) RETURNS regclass LANGUAGE sql
    AS 'SELECT NULL::regclass';
"""


def name_of(url: str) -> str:
    """Return the database of a URL."""
    return url.partition("?")[0].rpartition("/")[2]


async def rolled_back(lab: Lab, migration: Migration) -> MigrationFailedError:
    """Run a migration that fails, see that nothing of it is left, and return the error."""
    before = await history_of(lab.engine)
    tables = await lab.tables()
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, migration)
    assert tables == await lab.tables()
    assert before.entries == (await history_of(lab.engine)).entries
    return caught.value


# --- isolation and history --------------------------------------------------------------------


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
async def test_the_isolation_is_ours(postgres_lab: Lab, postgres_url: str, level: str) -> None:
    """A stricter default would not see what another runner has just committed."""
    database = name_of(postgres_url)
    await do(
        postgres_url, f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'"
    )
    seen = "CREATE TABLE seen AS SELECT current_setting('transaction_isolation') AS level"
    await run(postgres_lab.engine, sql("1", seen))
    assert [("read committed",)] == await postgres_lab.query("SELECT level FROM seen")


async def test_the_row_commits_with_the_migration(postgres_lab: Lab) -> None:
    """Both were written by one transaction: who sees one sees the other."""
    seen = (
        "CREATE TABLE seen AS SELECT txid_current() AS by; "
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.state = 'applied' THEN INSERT INTO seen VALUES (txid_current()); END IF; "
        "RETURN NEW; END $$; CREATE TRIGGER note AFTER UPDATE ON asyncmig_history "
        "FOR EACH ROW EXECUTE FUNCTION note()"
    )
    await run(postgres_lab.engine, sql("1", seen))
    assert [(2, 1)] == await postgres_lab.query("SELECT count(*), count(DISTINCT by) FROM seen")


async def test_a_moved_history_runs_nothing(postgres_lab: Lab) -> None:
    """Whoever appends a row takes the id that the next one was to get."""
    await run(postgres_lab.engine, sql("1", USERS))
    async with locked(postgres_lab.engine) as session:
        step = first_step(History(), sql("2", "CREATE TABLE t ()"))
        with pytest.raises(HistoryMovedError):
            await session.apply(step, Generation(), Seen().events)
    assert {"users"} == await postgres_lab.tables()


async def test_an_active_row_of_the_same_version_is_no_move(postgres_lab: Lab) -> None:
    """Looking again would show the same history, and end in the same refusal, for ever."""
    await run(postgres_lab.engine, sql("1", USERS))
    async with locked(postgres_lab.engine) as session:
        step = first_step(History(), sql("1", "CREATE TABLE t ()"))
        with pytest.raises(MigrationFailedError, match="asyncmig_history_active"):
            await session.apply(step, Generation(1, 0), Seen().events)
    assert {"users"} == await postgres_lab.tables()


async def test_a_row_that_was_finished_meanwhile_is_a_move(postgres_lab: Lab) -> None:
    """Nothing was appended, and yet the plan was made from another history."""
    await run(postgres_lab.engine, sql("1", USERS))
    async with locked(postgres_lab.engine) as session:
        step = first_step(History(), sql("2", "CREATE TABLE t ()"))
        with pytest.raises(HistoryMovedError):
            await session.apply(step, Generation(1, 1), Seen().events)
        assert {"users"} == await postgres_lab.tables()
        await postgres_lab.query("UPDATE asyncmig_history SET state = 'applying' RETURNING id")
        await session.apply(step, Generation(1, 1), Seen().events)
    assert {"users", "t"} == await postgres_lab.tables()


# --- the place of an error --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "sqlstate"),
    [
        ("SELECT 1;\n\n  SELEC 2;\n", 3, 3, "42601"),
        ("SELECT 'é𝄞', nowhere;", 1, 14, "42703"),
        ("-- é\nCREATE TABLE t (n int CHECK (n > 0));\n\nINSERT INTO t VALUES (0);", 4, 1, "23514"),
        (f"{USERS}" + "INSERT INTO users VALUES (1);\n" * 2, 3, 1, "23505"),
        (
            f"{USERS}" + "".join(f"INSERT INTO users VALUES ({n});\n" for n in (1, 2, 3, 2, 4)),
            5,
            1,
            "23505",
        ),
        (
            f"{USERS}INSERT INTO users VALUES (1);\nINSERT INTO users VALUES (2), (é);\n",
            3,
            32,
            "42703",
        ),
        (f"SELECT 1;\n{USERS}" + "INSERT INTO users VALUES (1);\n" * 2, 4, 1, "23505"),
        (
            f"{USERS}SELECT 1;\n" + "INSERT INTO users VALUES (1);\n" * 2 + "SELECT 1;",
            4,
            1,
            "23505",
        ),
        ("SELECT 1;\nDO $$ BEGIN\n  COMMIT;\nEND $$;", 2, 1, "2D000"),
        ("SELECT 1;\n/* a\n b */ SELECT 1/0;", 3, 7, "22012"),
        ("CREATE TABLE t (n int", 1, 22, "42601"),
        ("CREATE TABLE t (n int -- é", 1, 27, "42601"),
        (f"{USERS}INSERT INTO users VALUE (1);\nINSERT INTO users VALUES (2);\n", 2, 19, "42601"),
        (f"{USERS}INSERT INTO users VALUES (1);\nINSERT INTO users VALUES (2", 3, 28, "42601"),
    ],
)
async def test_the_place_of_an_error(
    postgres_lab: Lab, text: str, line: int, column: int, sqlstate: str
) -> None:
    """The server's position, or the start of the statement, or of the very one of a batch."""
    error = await rolled_back(postgres_lab, sql("1", text))
    assert (line, column, sqlstate) == (error.line, error.column, error.sqlstate)


@pytest.mark.parametrize(
    ("marker", "advice"),
    [
        (
            "`-- +goose NO TRANSACTION`",
            "give it a file of its own with `-- +goose NO TRANSACTION`",
        ),
        ("", "a file like this runs in a transaction, and has no word to say otherwise"),
    ],
    ids=["marker", "none"],
)
async def test_what_commits_by_itself_is_told_how_it_can_run(
    postgres_lab: Lab, marker: str, advice: str
) -> None:
    """The server knows no more than that it is wrong; what helps is the marker of the tool."""
    text = "DO $$ BEGIN\n  COMMIT;\nEND $$;"
    error = await rolled_back(postgres_lab, sql("1", text, marker=marker))
    place = "PL/pgSQL function inline_code_block line 2 at COMMIT"
    assert ("2D000", f"{advice}; {place}") == (error.sqlstate, error.hint)


async def test_what_commits_by_itself_in_a_long_file_is_told_how_it_can_run(
    postgres_lab: Lab,
) -> None:
    """Long files are kept in pieces, and are all of our own format."""
    text = f"{TABLE}{rows(1, 150)}DO $$ BEGIN\n  COMMIT;\nEND $$;\n"
    error = await rolled_back(postgres_lab, long(Dialect.POSTGRESQL, text))
    advice = "give it a file of its own with `-- migrate:up transaction:false`"
    place = "PL/pgSQL function inline_code_block line 2 at COMMIT"
    assert (152, f"{advice}; {place}") == (error.line, error.hint)


async def test_the_place_inside_a_function_is_told(postgres_lab: Lab) -> None:
    """A DO block is one statement; the server knows the line within."""
    text = "DO $$ BEGIN\n  PERFORM 1;\n  PERFORM 1/0;\nEND $$;"
    error = await rolled_back(postgres_lab, sql("1", text))
    assert "inline_code_block line 3" in error.hint


async def test_a_time_limit_of_the_file_is_for_each_insert(postgres_lab: Lab) -> None:
    """INSERTs share a message, but a statement_timeout would then be for all of them together."""
    insert = "INSERT INTO users SELECT {} FROM pg_sleep(0.15);\n"
    text = USERS + "SET statement_timeout = '400ms';\n" + "".join(map(insert.format, range(4)))
    await run(postgres_lab.engine, sql("1", text))
    assert [(4,)] == await postgres_lab.query("SELECT count(*) FROM users")


async def test_a_time_limit_of_the_file_is_not_for_what_comes_after_it(postgres_lab: Lab) -> None:
    """The end shares a message with the last statement, and has its own time all the same."""
    slow = (
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';\n"
        f"{USERS}CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON users DEFERRABLE "
        "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();\n"
        "SET statement_timeout = '500ms';\n"
        "INSERT INTO users SELECT 1 FROM pg_sleep(0.3);"
    )
    await run(postgres_lab.engine, sql("1", slow))
    assert [(1,)] == await postgres_lab.query("SELECT count(*) FROM users")


async def test_a_deferred_constraint_fails_the_migration(postgres_lab: Lab) -> None:
    """It is checked before COMMIT, so that the failure has a name."""
    text = (
        f"{USERS}CREATE TABLE orders (id int REFERENCES users DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO orders VALUES (7);"
    )
    error = await rolled_back(postgres_lab, sql("1", text))
    assert ("23503", "1_some.sql", None) == (error.sqlstate, error.file, error.line)
    assert "users" in error.hint


async def test_what_fails_in_commit_itself_is_a_failed_migration(
    postgres_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session goes on afterwards: the failure can be recorded, the next step can run."""
    monkeypatch.setattr(transactional, "TIDY", "")  # or the constraint would be checked before
    text = (
        f"{USERS}CREATE TABLE orders (id int REFERENCES users DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO orders VALUES (7);"
    )
    async with locked(postgres_lab.engine) as session:
        step = first_step(History(), sql("1", text))
        with pytest.raises(MigrationFailedError, match="foreign key") as caught:
            await session.apply(step, Generation(), Seen().events)
        await session.record_failure(step, failure_of(caught.value))
        (failed,) = await session.history()
        step = first_step(await session.history(), sql("1", USERS))
        entry = await session.apply(step, Generation(1, 0), Seen().events)
    assert (RowState.FAILED, "23503") == (failed.state, failed.failure and failed.failure.sqlstate)
    assert ({"users"}, 2) == (await postgres_lab.tables(), entry.id)


# --- Python -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "await connection.execute('COMMIT')",
        "await connection.execute('COMMIT; BEGIN; CREATE TABLE late ()')",
        "await connection.execute('COMMIT AND CHAIN')",
    ],
)
async def test_a_migration_that_commits_by_itself_is_caught(postgres_lab: Lab, source: str) -> None:
    """Its row stays as a trace; the next run asks, and repair answers."""
    broken = python("1", f"await connection.execute('CREATE TABLE users ()')\n{source}")
    with pytest.raises(TransactionLostError):
        await run(postgres_lab.engine, broken)
    (row,) = await history_of(postgres_lab.engine)
    assert (RowState.APPLYING, {"users"}) == (row.state, await postgres_lab.tables())
    with pytest.raises(IncompleteMigrationError):
        await run(postgres_lab.engine, broken)
    async with locked(postgres_lab.engine) as session:
        history = await session.history()
        (edit,) = plan_repair([broken], history, Decision.MARK, "1").edits
        await session.edit(edit, history.generation)
    assert [] == await run(postgres_lab.engine, broken)


async def test_an_error_that_python_swallowed_fails_the_migration(postgres_lab: Lab) -> None:
    """The transaction is aborted on the server, whatever Python thinks."""
    source = (
        "await connection.execute('CREATE TABLE users ()')\n"
        "try: await connection.execute('NONSENSE')\nexcept Exception: pass"
    )
    error = await rolled_back(postgres_lab, python("1", source))
    assert "an error was caught inside the migration" in error.message


async def test_nested_transactions_are_savepoints(postgres_lab: Lab) -> None:
    """What the author rolls back is rolled back, and the rest is kept."""
    source = f"""
await connection.execute({USERS!r})
try:
    async with connection.transaction():
        await connection.execute('INSERT INTO users VALUES (1)')
        raise KeyError
except KeyError:
    async with connection.transaction():
        await connection.execute('INSERT INTO users VALUES (2)')
""".strip()
    await run(postgres_lab.engine, python("1", source))
    assert [(2,)] == await postgres_lab.query("SELECT id FROM users")


@pytest.mark.parametrize("then", ["", "\nraise KeyError"])
async def test_a_migration_that_closes_the_connection_fails(postgres_lab: Lab, then: str) -> None:
    """Nothing is left, and the error is of our tree, also when the failure cannot be recorded."""
    await rolled_back(postgres_lab, python("1", f"await connection.close(){then}"))


async def test_a_task_that_a_migration_leaves_behind_is_named(postgres_lab: Lab) -> None:
    """Its statement is still running on our connection."""
    source = (
        "import asyncio\n"
        "global left\n"
        "left = asyncio.create_task(connection.execute('SELECT pg_sleep(1)'))\n"
        "await asyncio.sleep(0.1)"
    )
    with pytest.raises(Exception, match="another operation is in progress"):
        await run(postgres_lab.engine, python("1", source))
    assert set() == await postgres_lab.tables()


# --- what a file leaves behind ----------------------------------------------------------------

LEAVINGS = [
    "SET ROLE pg_read_all_data",
    "SET SESSION AUTHORIZATION pg_monitor",
    "SET search_path = nowhere",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "SET lock_timeout = '17s'",
    "SET statement_timeout = '17s'",
    "SET my.own = 'left'",
    "SET client_min_messages = 'error'",
    "CREATE TEMP TABLE left_over ()",
    "LISTEN left_over",
    "DECLARE left_over CURSOR WITH HOLD FOR SELECT 1",
    "SELECT pg_advisory_lock(4711)",
]
LOOK = """
CREATE TABLE seen AS SELECT session_user::text AS "user", current_user::text AS role,
    current_setting('search_path') AS path, current_setting('lock_timeout') AS lock,
    current_setting('statement_timeout') AS statement,
    coalesce(current_setting('my.own', true), '') AS own,
    current_setting('client_min_messages') AS messages,
    to_regclass('pg_temp.left_over')::text AS temporary,
    (SELECT count(*) FROM pg_listening_channels()) AS listening,
    (SELECT count(*) FROM pg_cursors) AS cursors
"""
CLEAN = ("postgres", "postgres", '"$user", public', "2s", "0", "", "notice", None, 0, 0)


@pytest.mark.parametrize("leaving", LEAVINGS)
async def test_a_file_leaves_nothing_to_the_next(postgres_lab: Lab, leaving: str) -> None:
    """Neither the next file nor our own rows notice it."""
    await run(postgres_lab.engine, sql("1", f"{leaving};"), sql("2", LOOK))
    assert [CLEAN] == await postgres_lab.query("SELECT * FROM public.seen")


async def test_a_failed_file_leaves_nothing_either(postgres_lab: Lab) -> None:
    """ROLLBACK takes the settings along."""
    async with locked(postgres_lab.engine) as session:
        broken = sql("1", ";".join(LEAVINGS[2:]) + "; NONSENSE")
        with pytest.raises(MigrationFailedError):
            await session.apply(first_step(History(), broken), Generation(), Seen().events)
        step = first_step(History(), sql("1", LOOK))
        await session.apply(step, Generation(), Seen().events)
    assert [CLEAN] == await postgres_lab.query("SELECT * FROM public.seen")


# --- names ------------------------------------------------------------------------------------


async def test_a_hostile_search_path_changes_nothing(postgres_url: str) -> None:
    """Functions, types, operators and a table of the same name stand in front of the real ones."""
    await do(postgres_url, HOSTILE)
    database = name_of(postgres_url)
    await do(postgres_url, f"ALTER DATABASE {database} SET search_path = evil, pg_catalog, public")
    engine = engine_for(postgres_url, schema="public")
    one = sql("1", "CREATE TABLE public.one ()", "DROP TABLE public.one")
    two = sql("2", "CREATE INDEX CONCURRENTLY i ON public.one ((1))", transaction=False)
    (first, second) = await run(engine, one, two)
    assert [1, 2] == [first.id, second.id]
    assert [first, second] == list(await history_of(engine))
    assert [] == await run(engine, one, two)
    assert [(2,)] == await ask(postgres_url, "SELECT count(*) FROM public.asyncmig_history")
    assert isinstance(first_step(await history_of(engine), one, two, sql("3", "")), Step)


async def test_the_search_path_of_the_settings_is_the_files(postgres_url: str) -> None:
    """It is where unqualified names go, in a transaction and without one; history stays put."""
    await do(postgres_url, "CREATE SCHEMA app")
    engine = engine_for(postgres_url, search_path="app, public")
    index = "CREATE TABLE b (n int);\nCREATE INDEX CONCURRENTLY i ON b (n);"
    await run(engine, sql("1", "CREATE TABLE a ()"), sql("2", index, transaction=False))
    places = await ask(
        postgres_url,
        "SELECT schemaname::text, tablename::text FROM pg_tables "
        "WHERE schemaname IN ('app', 'public') ORDER BY 2",
    )
    assert [("app", "a"), ("public", "asyncmig_history"), ("app", "b")] == places
