"""The first run: on an empty database, on one that somebody else has filled, and never again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator, migrate
from asyncmig.errors import ForeignHistoryError, NoHistoryError, SettingsError, UnknownVersionError
from asyncmig.events import BaselineRecorded
from asyncmig.migration import Kind
from tests.adopt.tables import run_sql
from tests.database import ask, tables
from tests.migrator.shop import HISTORY, ORDERS, USERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

THEIRS = "CREATE TABLE users (id int)"


async def test_tables_without_a_history_stop_the_first_run(
    migrator: Migrator, database_url: str
) -> None:
    """Nothing is written, the history neither, and a plan says the same."""
    await ask(database_url, THEIRS)
    for call in (migrator.up, migrator.plan):
        with pytest.raises(NoHistoryError, match=r"it is not empty: (public\.)?users\b"):
            await call()
    assert ["users"] == await tables(database_url)


async def test_the_history_of_another_tool_is_named(migrator: Migrator, database_url: str) -> None:
    """There is no need to guess: it can be taken over. What the caller says goes all the same."""
    await ask(database_url, "CREATE TABLE alembic_version (version_num varchar(32))")
    with pytest.raises(NoHistoryError, match="alembic_version"):
        await migrator.up()
    await ask(database_url, "INSERT INTO alembic_version VALUES ('a1b2c3')")
    with pytest.raises(ForeignHistoryError, match="asyncmig adopt"):
        await migrator.up()
    assert ["alembic_version"] == await tables(database_url)


async def test_a_view_is_enough_to_stop_it(migrator: Migrator, database_url: str) -> None:
    """Nobody makes one in an empty database."""
    await ask(database_url, "CREATE VIEW theirs AS SELECT 1 AS one")
    with pytest.raises(NoHistoryError, match="theirs"):
        await migrator.up()


WITHOUT_THE_APPLICATION = {
    "a view": "CREATE VIEW theirs AS SELECT of_the_application(1) AS one",
    "a virtual table": "PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES "
    "('table', 'theirs', 'theirs', 0, 'CREATE VIRTUAL TABLE theirs USING of_the_application(x)')",
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("made", WITHOUT_THE_APPLICATION)
async def test_what_only_the_application_can_read_stops_it_as_well(
    migrator: Migrator, database_url: str, made: str
) -> None:
    """Its functions and modules are not registered here, so even the columns cannot be asked for.

    The views of counterparty-core call ``concat``, which SQLite has since 3.44.
    """
    await run_sql(database_url, WITHOUT_THE_APPLICATION[made])
    with pytest.raises(NoHistoryError, match="theirs"):
        await migrator.up()


async def test_none_begins_with_the_first_file(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """The tables are of something else."""
    await ask(database_url, "CREATE TABLE others (id int)")
    migration_folder.write("1_users.sql", USERS)
    migrator = Migrator(database_url, migration_folder, baseline="none")
    assert ["1"] == [step.key for step in (await migrator.plan()).steps]
    report = await migrator.up()
    assert (["1"], None) == ([entry.key for entry in report.entries], report.baseline)


@pytest.mark.parametrize(("baseline", "left"), [(1, ["2"]), ("latest", [])])
async def test_a_version_is_recorded_and_the_run_goes_on_behind_it(
    database_url: str, migration_folder: MigrationFolder, baseline: str | int, left: list[str]
) -> None:
    """As `asyncmig baseline` and `asyncmig up` would, under one lock."""
    await ask(database_url, THEIRS)
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    told: list[Event] = []
    migrator = Migrator(database_url, migration_folder, baseline=baseline, observer=told.append)
    assert left == [step.key for step in (await migrator.plan()).steps]
    report = await migrator.up()
    assert left == [entry.key for entry in report.entries]
    first, *_ = history = await migrator.history()
    assert (Kind.BASELINE, "baseline", 1 + len(left)) == (first.kind, first.origin, len(history))
    recorded = [event.version for event in told if isinstance(event, BaselineRecorded)]
    assert ([str(report.baseline)], report.baseline) == (recorded, first.version)
    assert [] == [entry.key for entry in (await migrator.up()).entries]


@pytest.mark.parametrize("baseline", ["none", "latest", "1", None])
async def test_an_empty_database_gets_everything(
    database_url: str, migration_folder: MigrationFolder, baseline: str | None
) -> None:
    """The setting of a roll-out is for the databases that are there; a new one is new."""
    migration_folder.write("1_users.sql", USERS)
    report = await migrate(database_url, migration_folder, baseline=baseline)
    assert (["1"], None) == ([entry.key for entry in report.entries], report.baseline)


async def test_a_database_with_a_history_is_not_looked_at(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Whatever else is made in it later, and when everything of ours was reverted, too."""
    migration_folder.write("1_users.sql", USERS)
    migrator = Migrator(database_url, migration_folder)
    await migrator.up()
    await migrator.down()
    await ask(database_url, "CREATE TABLE others (id int)")
    assert ["1"] == [entry.key for entry in (await migrator.up()).entries]


async def test_a_baseline_without_a_file_is_refused(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Before anything is applied."""
    await ask(database_url, THEIRS)
    migration_folder.write("1_users.sql", USERS)
    migrator = Migrator(database_url, migration_folder, baseline="9")
    with pytest.raises(UnknownVersionError, match="no version 9"):
        await migrator.up()
    assert () == await migrator.history()


async def test_a_script_does_not_record_a_baseline(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """It would have to be right about a database that it has not seen."""
    await ask(database_url, THEIRS)
    migration_folder.write("1_users.sql", USERS)
    migrator = Migrator(database_url, migration_folder, baseline="latest")
    with pytest.raises(SettingsError, match="cannot record the baseline"):
        await migrator.plan(script=True)


async def test_of_many_at_once_one_records_the_baseline(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """And one applies what is behind it; all of them succeed."""
    await ask(database_url, THEIRS)
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    crowd = [Migrator(database_url, migration_folder, baseline=1) for _ in range(8)]
    reports = await asyncio.gather(*(migrator.up() for migrator in crowd))
    assert 1 == sum(report.baseline is not None for report in reports)
    assert ["2"] == [entry.key for report in reports for entry in report.entries]
    assert ["1", "2"] == [entry.key for entry in await crowd[0].history()]


async def test_behind_a_pooler_one_of_many_records_it_too(
    postgres_url: str, pgbouncer: Callable[..., str], migration_folder: MigrationFolder
) -> None:
    """There nobody keeps the lock from one message to the next."""
    await ask(postgres_url, THEIRS)
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    url = pgbouncer()
    crowd = [Migrator(url, migration_folder, baseline=1) for _ in range(6)]
    reports = await asyncio.gather(*(migrator.up() for migrator in crowd))
    assert 1 == sum(report.baseline is not None for report in reports)
    assert ["1", "2"] == [entry.key for entry in await crowd[0].history()]


async def test_a_sqlite_file_without_tables_of_its_own_is_empty(
    sqlite_url: str, migration_folder: MigrationFolder
) -> None:
    """An application may have opened it, and ANALYZE and AUTOINCREMENT leave tables of SQLite's."""
    await ask(sqlite_url, "CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    await ask(sqlite_url, "DROP TABLE gone")
    await ask(sqlite_url, "ANALYZE")
    assert ["sqlite_sequence"] == (await tables(sqlite_url))[:1]
    migration_folder.write("1_users.sql", USERS)
    assert ["1"] == [entry.key for entry in (await migrate(sqlite_url, migration_folder)).entries]


async def test_a_name_that_only_looks_like_sqlites_own_counts(
    sqlite_url: str, migration_folder: MigrationFolder
) -> None:
    """The underscore is one, and not any letter."""
    await ask(sqlite_url, "CREATE TABLE sqliteX (id int)")
    migration_folder.write("1_users.sql", USERS)
    with pytest.raises(NoHistoryError, match="sqliteX"):
        await migrate(sqlite_url, migration_folder)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE t (id int); ALTER EXTENSION plpgsql ADD TABLE t",
        "CREATE SCHEMA elsewhere CREATE TABLE t (id int)",
        "CREATE SEQUENCE s; CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN d AS int",
        "CREATE TABLE asyncmig_history_lock (id int)",
    ],
)
async def test_on_postgresql_what_is_not_the_users_does_not_count(
    postgres_url: str, migration_folder: MigrationFolder, made: str
) -> None:
    """What belongs to an extension, other schemas, what is no relation, and our own lock."""
    for statement in made.split(";"):
        await ask(postgres_url, statement)
    migration_folder.write("1_users.sql", USERS)
    report = await migrate(postgres_url, migration_folder)
    assert ["1"] == [entry.key for entry in report.entries]


async def test_on_postgresql_the_search_path_of_the_migrations_counts(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """That is where they will make their tables; the history's own schema counts, too."""
    await ask(postgres_url, "CREATE SCHEMA app CREATE TABLE theirs (id int)")
    migration_folder.write("1_users.sql", USERS)
    with pytest.raises(NoHistoryError, match=r"app\.theirs"):
        await migrate(postgres_url, migration_folder, search_path="app, public")
    with pytest.raises(NoHistoryError, match=r"app\.theirs"):
        await migrate(postgres_url, migration_folder, schema="app")


async def test_a_library_may_migrate_first(
    database_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """Its tables are those of a history of asyncmig, although of another one."""
    migration_folder.write("1_users.sql", USERS)
    library = tmp_path / "library"
    library.mkdir()
    (library / "1_orders.sql").write_text(ORDERS)
    await migrate(database_url, library, table="library_history")
    report = await migrate(database_url, migration_folder)
    assert ["1"] == [entry.key for entry in report.entries]


async def test_on_postgresql_the_schema_of_another_history_does_not_count(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Each tenant begins at the beginning, whatever the shared schema on its path has."""
    migration_folder.write("1_users.sql", USERS)
    await migrate(postgres_url, migration_folder)
    await ask(postgres_url, "CREATE SCHEMA tenant")
    report = await migrate(
        postgres_url, migration_folder, schema="tenant", search_path="tenant, public"
    )
    assert ["1"] == [entry.key for entry in report.entries]


async def test_a_pool_of_an_application_is_asked_the_same(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """And its connection comes back without a transaction."""
    import asyncpg

    migration_folder.write("1_users.sql", USERS)
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as pool:
        await pool.execute(THEIRS)
        with pytest.raises(NoHistoryError):
            await migrate(pool, migration_folder, search_path="public")
        report = await migrate(pool, migration_folder, baseline="latest")
        assert "1" == str(report.baseline)
        assert HISTORY in await tables(postgres_url)
