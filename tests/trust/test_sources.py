"""What is run is what was named: no SQL from a table unasked, no Python but the source's."""

from __future__ import annotations

import importlib.util
import marshal
import py_compile
import sys
from collections.abc import Awaitable, Callable
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

import pytest
from anyio import to_thread

from asyncmig import Direction, Migrator
from asyncmig.errors import AsyncmigError
from tests.database import ask, tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

Call = Callable[[], Awaitable[object]]

USERS = "-- migrate:up\nCREATE TABLE users (id int);\n-- migrate:down\nDROP TABLE users;\n"
ORDERS = USERS.replace("users", "orders")
PLANT = "UPDATE asyncmig_history SET down_sql = 'CREATE TABLE planted (id int)'"
HISTORY = "asyncmig_history"
MARK = "async def up(connection):\n    await connection.execute('CREATE TABLE {} (id int)')\n"


def migrator(url: str, folder: object, **options: Any) -> Migrator:  # noqa: ANN401 - Migrator's
    """Return a migrator that logs nothing."""
    source: Any = folder
    return Migrator(url, source, observer=None, **options)


async def test_stored_sql_is_run_for_no_command_but_the_one_that_asks_for_it(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Whoever can write the table must not have SQL run by whoever runs a command."""
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    runner = migrator(database_url, migration_folder)
    await runner.up()
    await ask(database_url, PLANT)
    migration_folder.remove("2_orders.sql")
    for look in (runner.status, runner.verify, runner.up, runner.plan, runner.history):
        await look()
    await runner.plan(Direction.DOWN, from_history=True)
    refused: tuple[Call, ...] = (runner.down, lambda: runner.down(to="0"), runner.redo)
    for call in refused:
        with pytest.raises(AsyncmigError, match="migration 2"):
            await call()
    assert {HISTORY, "users", "orders"} == set(await tables(database_url))

    await runner.down(from_history=True)

    assert {HISTORY, "users", "orders", "planted"} == set(await tables(database_url))


async def test_a_file_is_preferred_to_what_is_stored(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Also when what is stored may be run: it is for versions that have no file."""
    migration_folder.write("1_users.sql", USERS)
    runner = migrator(database_url, migration_folder)
    await runner.up()
    await ask(database_url, PLANT)
    await runner.down(from_history=True)
    assert [HISTORY] == await tables(database_url)


async def test_python_is_run_from_the_folder_that_was_named(
    database_url: str,
    migration_folder: MigrationFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not from the working directory, not from sys.path, and not from a cache beside it."""
    named = migration_folder.write("1_named.py", MARK.format("named"))
    trap = tmp_path / "trap"
    for place in (trap, trap / "migrations"):
        place.mkdir()
        for name in ("1_named.py", "asyncmig_migration_1.py", "1_trap.py", "__init__.py"):
            (place / name).write_text(MARK.format("trap"))
    plant_cache(named, trap / "1_trap.py")
    monkeypatch.chdir(trap)
    monkeypatch.syspath_prepend(str(trap))
    before = set(sys.modules)
    await migrator(database_url, migration_folder).up()
    assert {HISTORY, "named"} == set(await tables(database_url))
    assert [] == [name for name in set(sys.modules) - before if "named" in name or "trap" in name]


def plant_cache(file: Path, source: Path) -> None:
    """Put byte code of another source where an import of the file would look, and believe it."""
    cached = importlib.util.cache_from_source(str(file))
    py_compile.compile(
        str(source), cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    code = SourceFileLoader("named", str(file)).get_code("named")
    assert b"TABLE trap" in marshal.dumps(code), "an import would not look at the cache"


async def test_python_that_is_exchanged_during_the_run_is_not_run(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """What is executed is the text whose checksum is written down."""
    migration_folder.write("1_users.sql", USERS)
    file = migration_folder.write("2_named.py", MARK.format("named"))

    async def exchange(_connection: object) -> None:
        await to_thread.run_sync(file.write_text, MARK.format("exchanged"))

    report = await migrator(database_url, migration_folder, setup=exchange).up()
    assert ["1", "2"] == [entry.key for entry in report.entries]
    assert {HISTORY, "users", "named"} == set(await tables(database_url))
    with pytest.raises(AsyncmigError, match="migration 2 is no longer what was applied"):
        await migrator(database_url, migration_folder, changed="error").up()


async def test_looking_runs_no_python(database_url: str, migration_folder: MigrationFolder) -> None:
    """Reading a file is not running it: it is parsed, and its turn comes under the lock."""
    migration_folder.write("1_named.py", "raise SystemExit(9)\n" + MARK.format("named"))
    looking = migrator(database_url, migration_folder)
    await looking.status()
    await looking.plan()
    await looking.verify()
    await looking.history()
    assert [] == await tables(database_url)
