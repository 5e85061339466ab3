"""Stories 12, 14, 24: what the database itself does not allow, or does in its own way."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.errors import ReadOnlyDatabaseError
from tests.database import ask
from tests.engines.postgres.ground import connected, do, role
from tests.stories.runs import applied, quiet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

FAMILY = """\
CREATE TABLE parents (id integer PRIMARY KEY);
CREATE TABLE children (id integer, parent integer REFERENCES parents ON DELETE CASCADE);
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1), (2, 1);
"""
REBUILD = """\
PRAGMA foreign_keys = OFF;
CREATE TABLE new_parents (id integer PRIMARY KEY, name text);
INSERT INTO new_parents SELECT id, NULL FROM parents;
DROP TABLE parents;
ALTER TABLE new_parents RENAME TO parents;
PRAGMA foreign_keys = ON;
"""


async def test_a_sqlite_database_that_is_busy_is_waited_for(
    sqlite_url: str, sqlite_path: Path, migration_folder: MigrationFolder
) -> None:
    """Story 12: an application writes at the moment at which the migration wants to."""
    migration_folder.write("001_family.sql", FAMILY)
    with closing(sqlite3.connect(sqlite_path, check_same_thread=False)) as application:
        application.execute("CREATE TABLE its_own (id integer)")
        application.execute("BEGIN IMMEDIATE")
        migrator = quiet(sqlite_url, migration_folder, baseline="none")
        run = asyncio.create_task(migrator.up())
        done, _ = await asyncio.wait({run}, timeout=0.5)
        application.commit()
        await run

    assert (set(), ["001"]) == (done, await applied(sqlite_url, migration_folder))


async def test_a_rebuilt_table_of_sqlite_keeps_its_child_rows(
    sqlite_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 12: inside a transaction SQLite ignores the pragma, and dropping a table cascades."""
    migration_folder.write("001_family.sql", FAMILY)
    migration_folder.write("002_rebuild.sql", REBUILD)
    await quiet(sqlite_url, migration_folder).up()

    assert [(1,), (2,)] == await ask(sqlite_url, "SELECT id FROM children ORDER BY id")


async def test_a_read_only_database_is_ready_when_nothing_is_pending(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 14: a replica has no history to make, and nothing to lock."""
    migration_folder.write("001_users.sql", "CREATE TABLE users (id integer);")
    await quiet(postgres_url, migration_folder).up()
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    assert () == (await quiet(postgres_url, migration_folder).up()).entries
    migration_folder.write("002_orders.sql", "CREATE TABLE orders (id integer);")
    with pytest.raises(ReadOnlyDatabaseError) as caught:
        await quiet(postgres_url, migration_folder).up()
    assert ("002",) == caught.value.pending


async def test_the_history_is_only_inserted_into_and_updated(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 24: no TRUNCATE, which few may do, and which waits for everybody who reads."""
    migration_folder.write("001_users.sql", "CREATE TABLE users (id integer);")
    await quiet(postgres_url, migration_folder).up()
    migration_folder.write("002_orders.sql", "CREATE TABLE orders (id integer);")
    async with role(postgres_url, "author") as url, connected(postgres_url) as reader:
        await do(
            postgres_url,
            "GRANT SELECT, INSERT, UPDATE ON asyncmig_history TO author; "
            "GRANT USAGE, CREATE ON SCHEMA public TO author",
        )
        async with reader.transaction():
            await reader.fetch("SELECT * FROM asyncmig_history")
            with anyio.fail_after(20):
                report = await quiet(url, migration_folder).up()

    assert ["002"] == [entry.key for entry in report.entries]
