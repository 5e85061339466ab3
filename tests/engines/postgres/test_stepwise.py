"""Migrations without a transaction: cut off anywhere, they are gone on with, or one asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig import Migrator
from asyncmig.engines.base import failure_of
from asyncmig.errors import (
    DatabaseUnavailableError,
    IncompleteMigrationError,
    MigrationFailedError,
)
from asyncmig.history import HistoryEntry, RowState
from tests.engines.lab import (
    RIVAL,
    Lab,
    Seen,
    first_step,
    history_of,
    locked,
    python,
    run,
    sql,
)
from tests.engines.postgres.ground import ask, connected, do, engine_for, until

if TYPE_CHECKING:
    from asyncmig.migration import Migration
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer);\n"
BUILD = "CREATE INDEX CONCURRENTLY users_id ON users (id);"
VALID = (
    "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'users'::regclass"
)


def stepwise(text: str) -> Migration:
    """Return a migration that runs statement by statement."""
    return sql("1", text, transaction=False)


async def row_of(url: str) -> HistoryEntry:
    """Return the only row of the history."""
    (row,) = await history_of(engine_for(url))
    return row


async def cut_off(url: str, text: str, *, kill: bool) -> None:
    """Run a migration whose index build waits for a transaction, and end it in the middle."""
    async with connected(url) as reader, reader.transaction(isolation="repeatable_read"):
        await reader.execute("SELECT 1")  # the build waits for its snapshot
        task = asyncio.create_task(run(engine_for(url), stepwise(text)))
        await until(lambda: _is_building(url))
        if kill:
            await ask(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index")
        else:
            task.cancel()
        with pytest.raises((asyncio.CancelledError, Exception)):
            await task


async def _is_building(url: str) -> bool:
    rows = await ask(
        url, "SELECT phase FROM pg_stat_progress_create_index WHERE phase LIKE 'wait%'"
    )
    return len(rows) == 1


@pytest.mark.parametrize("kill", [True, False])
@pytest.mark.parametrize("unless", ["", "IF NOT EXISTS "])
async def test_an_index_that_was_cut_off_is_rebuilt(
    postgres_url: str,
    unless: str,
    kill: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The invalid index is dropped and built again by the next run; the rest follows."""
    text = f"{USERS}{BUILD}\nCREATE TABLE after ();".replace("users_id ON", f"{unless}users_id ON")
    await cut_off(postgres_url, text, kill=kill)
    assert [("users_id", False)] == await ask(postgres_url, VALID)
    row = await row_of(postgres_url)
    assert row.progress is not None
    assert (RowState.APPLYING, 1, True) == (
        row.state,
        len(row.progress.done),
        row.progress.started is not None,
    )
    (entry,) = await run(engine_for(postgres_url), stepwise(text), runner=RIVAL)
    assert [("users_id", True)] == await ask(postgres_url, VALID)
    assert (RowState.APPLIED, RIVAL.run_id) == (entry.state, entry.run_id)
    assert [("after",)] == await ask(postgres_url, "SELECT to_regclass('after')::text")


async def test_an_index_that_was_finished_is_not_built_twice(postgres_url: str) -> None:
    """The run died between the build and the note: the catalogue knows."""
    text = f"{USERS}{BUILD}"
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    await _pretend_started(postgres_url, entry)
    before = await ask(postgres_url, "SELECT 'users_id'::regclass::oid::int")
    await run(engine_for(postgres_url), stepwise(text))
    assert before == await ask(postgres_url, "SELECT 'users_id'::regclass::oid::int")


async def _pretend_started(url: str, entry: HistoryEntry) -> None:
    """Set the row back to where its last statement was started and not seen to finish."""
    assert entry.progress is not None
    *done, last = entry.progress.done
    progress = str({"done": done, "started": last}).replace("'", '"')
    await do(url, f"UPDATE asyncmig_history SET state = 'applying', progress = '{progress}'")


async def test_duplicates_leave_no_invalid_index(postgres_url: str) -> None:
    """The build fails, its leftover is dropped at once, and the file may be corrected."""
    unique = BUILD.replace("INDEX", "UNIQUE INDEX")
    fill = "INSERT INTO users VALUES (1), (1);\n"
    with pytest.raises(MigrationFailedError) as caught:
        await run(engine_for(postgres_url), stepwise(USERS + fill + unique))
    assert ("23505", 3, 1) == (caught.value.sqlstate, caught.value.line, caught.value.column)
    assert [] == await ask(postgres_url, VALID)
    progress = (await row_of(postgres_url)).progress
    assert progress is not None
    assert (2, None) == (len(progress.done), progress.started)
    clean = "DELETE FROM users WHERE ctid <> '(0,1)';\n"
    await run(engine_for(postgres_url), stepwise(USERS + fill + clean + unique))
    assert [("users_id", True)] == await ask(postgres_url, VALID)


async def test_an_index_without_a_name_leaves_nothing_invalid_either(postgres_url: str) -> None:
    """The server chooses the name; what is new and invalid is the leftover."""
    text = (
        f"{USERS}INSERT INTO users VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY ON users (id)"
    )
    with pytest.raises(MigrationFailedError):
        await run(engine_for(postgres_url), stepwise(text))
    assert [] == await ask(postgres_url, VALID)


async def test_a_leftover_of_somebody_else_is_noticed(postgres_url: str) -> None:
    """IF NOT EXISTS would succeed over the invalid index and leave it invalid."""
    await do(postgres_url, f"{USERS}INSERT INTO users VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique"):
        await do(postgres_url, BUILD.replace("INDEX", "UNIQUE INDEX"))
    assert [("users_id", False)] == await ask(postgres_url, VALID)
    await run(
        engine_for(postgres_url), stepwise(BUILD.replace("users_id", "IF NOT EXISTS users_id"))
    )
    assert [("users_id", True)] == await ask(postgres_url, VALID)


async def test_an_index_that_somebody_builds_is_left_alone(postgres_url: str) -> None:
    """It is invalid too, as long as it takes."""
    await do(postgres_url, USERS)
    async with connected(postgres_url) as reader, connected(postgres_url) as builder:
        transaction = reader.transaction(isolation="repeatable_read")
        await transaction.start()
        await reader.execute("SELECT 1")
        task = asyncio.create_task(builder.execute(BUILD))
        await until(lambda: _is_building(postgres_url))
        with anyio.fail_after(5), pytest.raises(MigrationFailedError, match="another session"):
            await run(engine_for(postgres_url), stepwise(BUILD))
        await transaction.rollback()
        await task
    assert [("users_id", True)] == await ask(postgres_url, VALID)


async def test_an_index_is_dropped_concurrently(postgres_url: str) -> None:
    """A drop that was done is not repeated after a kill; one that was not is."""
    text = f"{USERS}{BUILD}\nDROP INDEX CONCURRENTLY users_id;"
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    await _pretend_started(postgres_url, entry)
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    assert RowState.APPLIED is entry.state
    await do(postgres_url, BUILD)
    await _pretend_started(postgres_url, entry)
    await run(engine_for(postgres_url), stepwise(text))
    assert [] == await ask(postgres_url, VALID)


@pytest.mark.parametrize("name", ['"Users Id"', "i$1"])
async def test_names_are_read_as_the_server_reads_them(postgres_url: str, name: str) -> None:
    """Quoted ones, and tables in other schemas."""
    await do(postgres_url, 'CREATE SCHEMA "My App"; CREATE TABLE "My App"."Users" (id int)')
    text = f'CREATE INDEX CONCURRENTLY {name} ON "My App"."Users" (id)'
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    await _pretend_started(postgres_url, entry)
    await run(engine_for(postgres_url), stepwise(text))
    table = """'"My App"."Users"'::regclass"""
    valid = f"SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = {table}"
    assert [(1,)] == await ask(postgres_url, valid)


async def test_what_the_catalogue_does_not_know_is_asked(postgres_url: str) -> None:
    """A setting of the whole server may or may not have been written."""
    text = "ALTER SYSTEM RESET log_duration;"
    (entry,) = await run(engine_for(postgres_url), stepwise(text))
    await _pretend_started(postgres_url, entry)
    with pytest.raises(IncompleteMigrationError, match="stopped at `ALTER SYSTEM RESET"):
        await run(engine_for(postgres_url), stepwise(text))


COMMITS = "INSERT INTO users VALUES (1); COMMIT; INSERT INTO users VALUES (2);"
PROCEDURE = f"CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN {COMMITS} END $$;\n"


@pytest.mark.parametrize(
    "commits",
    [f"DO $$ BEGIN {COMMITS} END $$", f"{PROCEDURE}CALL fill()", f"{PROCEDURE}CALL FILL ( )"],
)
async def test_what_commits_by_itself_runs_outside_of_a_transaction(
    postgres_lab: Lab, commits: str
) -> None:
    """The server refuses it in one, which leaves nothing, and then it is sent alone."""
    text = f"{USERS}{commits};\nINSERT INTO users VALUES (3);"
    (entry,) = await run(postgres_lab.engine, stepwise(text))
    assert (RowState.APPLIED, None) == (entry.state, entry.progress and entry.progress.started)
    assert [(1,), (2,), (3,)] == await postgres_lab.query("SELECT id FROM users ORDER BY id")


async def test_what_the_server_alone_knows_cannot_run_in_a_transaction_runs_outside(
    postgres_lab: Lab,
) -> None:
    """REINDEX of a table is refused there when the table has partitions: code 25001."""
    text = (
        "CREATE TABLE events (day date PRIMARY KEY) PARTITION BY RANGE (day);\n"
        "CREATE TABLE rest PARTITION OF events DEFAULT;\n"
        "REINDEX TABLE events;"
    )
    (entry,) = await run(postgres_lab.engine, stepwise(text))
    assert RowState.APPLIED is entry.state


async def test_what_commits_by_itself_and_was_cut_off_is_asked_about(postgres_url: str) -> None:
    """The note that it was started is older than all that it commits, and is no second try."""
    dies = (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM users) THEN {COMMITS} "
        "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$;"
    )
    with pytest.raises(DatabaseUnavailableError):
        await run(engine_for(postgres_url), stepwise(USERS + dies))
    with pytest.raises(
        IncompleteMigrationError, match=r"it stopped at `DO \$\$ BEGIN IF NOT EXISTS"
    ):
        await run(engine_for(postgres_url), stepwise(USERS + dies))
    assert [(1,)] == await ask(postgres_url, "SELECT id FROM users")


@pytest.mark.parametrize("code", ["P0001", "55P03", "2D000"])
async def test_what_commits_by_itself_and_fails_is_neither_tried_again_nor_forgotten(
    postgres_url: str, code: str
) -> None:
    """Not after a lock time-out (55P03) either: what it has committed would be done twice."""
    fails = f"DO $$ BEGIN {COMMITS} RAISE SQLSTATE '{code}'; END $$;"
    seen = Seen()
    with pytest.raises(MigrationFailedError) as caught:
        await run(engine_for(postgres_url), stepwise(USERS + fails), seen=seen)
    assert (code, 2, []) == (caught.value.sqlstate, caught.value.line, seen.retries)
    with pytest.raises(IncompleteMigrationError, match=r"it stopped at `DO \$\$ BEGIN INSERT INTO"):
        await run(engine_for(postgres_url), stepwise(USERS + fails))
    assert [(1,)] == await ask(postgres_url, "SELECT id FROM users")


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (f"BEGIN; SELECT 1; DO $$ BEGIN {COMMITS} END $$; COMMIT", "2D000"),
        ("SET TRANSACTION SNAPSHOT '00000003-0000001B-1'", "25001"),
        ("SELECT 1/0", "22012"),
    ],
)
async def test_what_is_refused_for_another_reason_is_not_sent_twice(
    postgres_url: str, refused: str, code: str
) -> None:
    """A BEGIN of the file's own is meant, and nothing of it is done."""
    with pytest.raises(MigrationFailedError) as caught:
        await run(engine_for(postgres_url), stepwise(f"{USERS}{refused};"))
    progress = (await row_of(postgres_url)).progress
    assert progress is not None
    assert (code, 1, None) == (caught.value.sqlstate, len(progress.done), progress.started)
    assert [] == await ask(postgres_url, "SELECT id FROM users")


async def test_a_changed_statement_that_was_started_is_asked_about(postgres_url: str) -> None:
    """Nobody can tell what the old one did."""
    (entry,) = await run(engine_for(postgres_url), stepwise("ALTER SYSTEM RESET log_duration;"))
    await _pretend_started(postgres_url, entry)
    with pytest.raises(IncompleteMigrationError, match="has been changed since"):
        await run(engine_for(postgres_url), stepwise("ALTER SYSTEM RESET log_statement;"))


@pytest.mark.parametrize(
    "setting",
    [
        "SET search_path = app",
        "SET SESSION search_path TO app",
        "SELECT set_config('search_path', 'app', false)",
    ],
)
async def test_settings_are_made_again_when_a_file_is_gone_on_with(
    postgres_url: str, setting: str
) -> None:
    """The rest of the file relies on them; the settings of the runner do not undo them."""
    await do(postgres_url, "CREATE SCHEMA app")
    engine = engine_for(postgres_url, search_path="public")
    text = f"{setting};\nCREATE TABLE a ();\n"
    with pytest.raises(MigrationFailedError):
        await run(engine, stepwise(f"{text}NONSENSE;"))
    await run(engine, stepwise(f"{text}CREATE TABLE b ();"))
    places = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'app' ORDER BY 1"
    assert [("a",), ("b",)] == await ask(postgres_url, places)


async def test_what_was_temporary_cannot_be_gone_on_with(postgres_url: str) -> None:
    """It went with the session."""
    text = "CREATE TEMP TABLE t ();\n"
    with pytest.raises(MigrationFailedError):
        await run(engine_for(postgres_url), stepwise(f"{text}NONSENSE;"))
    with pytest.raises(IncompleteMigrationError, match="temporary"):
        await run(engine_for(postgres_url), stepwise(f"{text}SELECT 1;"))


async def test_a_file_may_be_another_role(postgres_url: str) -> None:
    """The history is written as who we came as, also while the file is somebody else."""
    await do(postgres_url, f"{USERS}CREATE ROLE owner_of_{_number(postgres_url)};")
    role = f"owner_of_{_number(postgres_url)}"
    await do(
        postgres_url, f"ALTER TABLE users OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    )
    try:
        text = f"SET ROLE {role};\nALTER TABLE users ADD n int;\n{BUILD}\nCREATE TABLE theirs ();"
        (entry,) = await run(engine_for(postgres_url), stepwise(text))
        assert RowState.APPLIED is entry.state
        owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'theirs'"
        assert [(role,)] == await ask(postgres_url, owner)
        broken = sql("2", f"SET ROLE {role};\nNONSENSE;", transaction=False)
        async with locked(engine_for(postgres_url)) as session:
            history = await session.history()
            step = first_step(history, stepwise(text), broken)
            with pytest.raises(MigrationFailedError) as caught:
                await session.apply(step, history.generation, Seen().events)
            await session.record_failure(step, failure_of(caught.value))
            assert RowState.FAILED is (await session.history()).entries[-1].state
    finally:
        await do(postgres_url, f"DROP OWNED BY {role}; DROP ROLE {role}")


def _number(url: str) -> str:
    return url.partition("?")[0].rpartition("_")[2]


async def test_a_file_that_became_transactional_starts_anew_only_if_nothing_was_done(
    postgres_lab: Lab,
) -> None:
    """Its row is taken over; with progress it is a question."""
    with pytest.raises(MigrationFailedError):
        await run(postgres_lab.engine, stepwise("NONSENSE;"))
    (entry,) = await run(postgres_lab.engine, sql("1", USERS))
    assert (1, RowState.APPLIED, None) == (entry.id, entry.state, entry.progress)
    with pytest.raises(MigrationFailedError):
        await run(
            postgres_lab.engine, sql("1", USERS), sql("2", "SELECT 1;\nX;", transaction=False)
        )
    with pytest.raises(IncompleteMigrationError, match="no longer does"):
        await run(postgres_lab.engine, sql("1", USERS), sql("2", "SELECT 1;"))


async def test_a_transaction_that_python_leaves_open_is_rolled_back(postgres_lab: Lab) -> None:
    """It is the author's to end."""
    source = "await connection.execute('BEGIN; CREATE TABLE users ()')"
    with pytest.raises(MigrationFailedError, match="left a transaction open"):
        await run(postgres_lab.engine, python("1", source, transaction=False))
    assert set() == await postgres_lab.tables()


@pytest.mark.parametrize("transaction", [True, False])
async def test_python_may_take_its_time_between_two_statements(
    postgres_lab: Lab,
    transaction: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """The dead man's time-outs of the session are off for it."""
    source = (
        "await connection.execute('''CREATE TABLE seen AS SELECT name, setting FROM pg_settings "
        "WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')''')"
    )
    await run(postgres_lab.engine, python("1", source, transaction=transaction))
    which = "idle_in_transaction_session_timeout" if transaction else "idle_session_timeout"
    assert [("0",)] == await postgres_lab.query(f"SELECT setting FROM seen WHERE name = '{which}'")


async def test_an_index_build_has_no_lock_timeout_and_the_rest_has(postgres_lab: Lab) -> None:
    """One that gives up leaves an invalid index."""
    refuse = (
        "CREATE FUNCTION checked() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
        "IF current_setting('lock_timeout') <> '0' THEN RAISE 'limited'; END IF; "
        "RETURN 1; END $$;"
    )
    look = "SELECT current_setting('lock_timeout') AS t"
    text = (
        f"{USERS}INSERT INTO users VALUES (1);\n{refuse}\nCREATE TABLE before AS {look};\n"
        f"{BUILD.replace('(id)', '((id + checked()))')}\nCREATE TABLE after AS {look};"
    )
    await run(postgres_lab.engine, stepwise(text))
    limits = await postgres_lab.query("SELECT b.t, a.t FROM before b, after a")
    assert [("2s", "2s")] == limits


async def test_a_lock_timeout_of_the_file_stays(postgres_lab: Lab) -> None:
    """Its author wants it for the build too."""
    look = "SELECT current_setting('lock_timeout') AS t"
    text = f"SET lock_timeout = '7s';\n{USERS}{BUILD}\nCREATE TABLE after AS {look};"
    await run(postgres_lab.engine, stepwise(text))
    assert [("7s",)] == await postgres_lab.query("SELECT t FROM after")


async def test_a_file_that_lets_go_of_the_lock_costs_only_a_new_plan(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """What comes after it and needs the lock takes it again, in the same run."""
    migration_folder.write("1_a.sql", f"{USERS}SELECT pg_advisory_unlock_all();")
    migration_folder.write("2_b.sql", f"-- migrate:up transaction:false\n{BUILD}")
    await Migrator(postgres_url, migration_folder, observer=None).up()
    assert [("users_id", True)] == await ask(postgres_url, VALID)
