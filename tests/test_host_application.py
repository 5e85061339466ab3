"""The host application is left alone: nothing that it owns is changed by a run, good or bad."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import warnings
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import asyncpg
import pytest
import structlog

import asyncmig
from asyncmig.errors import ConnectionInUseError, MigrationFailedError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from tests.migration_folder import MigrationFolder

GREEDY = """
SET search_path = pg_catalog;
SET statement_timeout = '7s';
SET lock_timeout = '3s';
SET work_mem = '9MB';
CREATE TABLE public.users (id int);
"""
PYTHON = """
import sys
from dataclasses import dataclass

@dataclass
class Row:
    id: int

async def up(connection):
    assert __name__ in sys.modules
    {body}
"""
GOOD, BAD = "await connection.execute('CREATE TABLE x (id int)')", "1 / 0"
BELONGINGS = """
SELECT name, setting FROM pg_settings
WHERE source NOT IN ('default', 'configuration file')
UNION ALL SELECT 'session user', session_user UNION ALL SELECT 'user', current_user
UNION ALL SELECT 'lock', objid::text FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'my.setting', current_setting('my.setting', true)
ORDER BY 1, 2
"""


def loggers() -> dict[str, tuple[int, list[logging.Handler], bool, bool]]:
    """Return level, handlers, disabled and propagate of every logger."""
    known = logging.Logger.manager.loggerDict
    every = {name: logging.getLogger(name) for name in known} | {"root": logging.getLogger()}
    return {
        name: (logger.level, list(logger.handlers), logger.disabled, logger.propagate)
        for name, logger in every.items()
    }


def belongings() -> dict[str, Any]:
    """Return all that a library could change behind an application's back."""
    return {
        "loggers": loggers(),
        "logging": (logging.root.manager.disable, logging.raiseExceptions, logging.lastResort),
        "structlog": (structlog.is_configured(), structlog.get_config()),
        "context": structlog.contextvars.get_contextvars(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "path": list(sys.path),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, list(sys.meta_path)),
        "warnings": list(warnings.filters),
        "modules": [name for name in sys.modules if "asyncmig_migration" in name],
    }


@pytest.mark.parametrize("body", [GOOD, BAD])
async def test_a_run_changes_nothing_of_the_application(
    database_url: str, migration_folder: MigrationFolder, body: str
) -> None:
    """Loggers, structlog, signals, sys.path, hooks, warnings, modules; also when it fails."""
    migration_folder.write("1_users.sql", "CREATE TABLE users (id int);\n")
    await asyncmig.migrate(database_url, migration_folder)  # what is imported once is imported
    migration_folder.write("2_python.py", PYTHON.format(body=body))
    before = belongings()
    with pytest.raises(MigrationFailedError) if body == BAD else nullcontext():
        await asyncmig.migrate(database_url, migration_folder)
    assert before == belongings()


FIRST_USE = """
import asyncio, sys
from tests.test_host_application import belongings
before = belongings()
import asyncmig
try:
    asyncio.run(asyncmig.migrate({url!r}, {source!r}))
except asyncmig.AsyncmigError:
    pass
after = belongings()
for name in sorted(before):
    if name == "loggers":
        old, new = before[name], after[name]
        assert all(old[key] == new[key] for key in old), "loggers"
        assert all(new[key] == (0, [], False, True) for key in new.keys() - old), "new loggers"
    else:
        assert before[name] == after[name], name
print("unchanged")
"""


@pytest.mark.parametrize("body", [GOOD, BAD])
def test_the_first_import_changes_nothing_either(
    database_url: str, migration_folder: MigrationFolder, body: str
) -> None:
    """In a fresh interpreter, where the drivers are imported too: loggers are added, bare."""
    migration_folder.write("1_python.py", PYTHON.format(body=body))
    code = FIRST_USE.format(url=database_url, source=str(migration_folder.path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=50,
    )
    assert (0, "unchanged\n") == (done.returncode, done.stdout), done.stderr


async def test_the_first_use_does_not_stall_the_loop(
    sqlite_url: str, migration_folder: MigrationFolder
) -> None:
    """Structlog is imported off the loop, for the events and for Python migrations."""
    migration_folder.write("1_python.py", PYTHON.format(body="pass"))
    code = (
        "import asyncio, asyncmig, anyio\n"
        "from tests.guards import no_blocking_call\n"
        f"migrator = asyncmig.Migrator({sqlite_url!r}, {str(migration_folder.path)!r})\n"
        "with no_blocking_call():\n"
        "    asyncio.run(migrator.up())\n"
    )
    done = await _python(code)
    assert (0, "") == (done.returncode, done.stderr)


async def _python(code: str) -> subprocess.CompletedProcess[str]:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=50,
        )

    return await anyio.to_thread.run_sync(run)


# --- connections of the application's own -----------------------------------------------------


@pytest.fixture(params=["good", "broken", "python", "raising"])
def greedy(request: pytest.FixtureRequest, migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder whose migration changes its session, and then goes well or fails."""
    broken = "SELECT broken;\n"
    change = "await connection.execute('SET search_path = pg_catalog; SET work_mem = 8000')"
    files = {
        "good": ("1_greedy.sql", GREEDY),
        "broken": ("1_greedy.sql", GREEDY + broken),
        "python": ("1_greedy.py", PYTHON.format(body=change)),
        "raising": ("1_greedy.py", PYTHON.format(body=f"{change}\n    1 / 0")),
    }
    migration_folder.write(*files[request.param])
    return migration_folder


async def migrate_somehow(database: object, folder: MigrationFolder) -> None:
    """Migrate, and let a failed migration pass."""
    with suppress(MigrationFailedError):
        await asyncmig.migrate(database, folder, observer=None)


async def test_a_lent_connection_is_given_back_as_it_was(
    postgres_url: str, greedy: MigrationFolder
) -> None:
    """Settings, search_path, role and locks; it stays open, and it is in no transaction."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(
            "SET search_path = public, pg_temp; SET statement_timeout = '11s';"
            "SET lock_timeout = '12s'; SET my.setting = 'mine'; SET ROLE pg_monitor;"
            "RESET ROLE; SET work_mem = '5MB'"
        )
        before = await connection.fetch(BELONGINGS)
        await migrate_somehow(connection, greedy)
        assert before == await connection.fetch(BELONGINGS)
        assert (False, False) == (connection.is_closed(), connection.is_in_transaction())
        await asyncmig.Migrator(connection, greedy, observer=None).status()
        assert before == await connection.fetch(BELONGINGS)
    finally:
        await connection.close()


async def test_a_lent_connection_keeps_its_role(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """SET ROLE of the application stays, also when the migration sets another."""
    migration_folder.write("1_role.sql", "SET ROLE pg_monitor;\nSELECT 1;\n")
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("CREATE ROLE app_role SUPERUSER; SET ROLE app_role")
        await asyncmig.migrate(connection, migration_folder, observer=None)
        assert "app_role" == await connection.fetchval("SELECT current_user::text")
        await connection.execute("RESET ROLE; DROP OWNED BY app_role; DROP ROLE app_role")
    finally:
        await connection.close()


async def test_a_connection_inside_a_transaction_is_refused(
    postgres_url: str, greedy: MigrationFolder
) -> None:
    """Our COMMIT would be none; the transaction goes on undisturbed."""
    connection = await asyncpg.connect(postgres_url)
    try:
        async with connection.transaction():
            await connection.execute("CREATE TABLE mine (id int)")
            with pytest.raises(ConnectionInUseError):
                await asyncmig.migrate(connection, greedy, observer=None)
            assert 0 == await connection.fetchval("SELECT count(*) FROM mine")
        assert 0 == await connection.fetchval("SELECT count(*) FROM mine")
    finally:
        await connection.close()


async def test_a_closed_connection_is_refused(postgres_url: str, greedy: MigrationFolder) -> None:
    """In a sentence."""
    connection = await asyncpg.connect(postgres_url)
    await connection.close()
    with pytest.raises(ConnectionInUseError):
        await asyncmig.migrate(connection, greedy, observer=None)


async def test_a_pool_is_left_as_it_was(postgres_url: str, greedy: MigrationFolder) -> None:
    """Its one connection comes back, clean, and is not replaced."""

    async def settle(connection: PoolConnectionProxy[Any] | asyncpg.Connection[Any]) -> None:
        await connection.execute("SET my.setting = 'mine'; SET work_mem = '5MB'")

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1, setup=settle) as pool:
        before = await pool.fetch(BELONGINGS)
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        await migrate_somehow(pool, greedy)
        assert (1, 1) == (pool.get_size(), pool.get_idle_size())
        assert before == await pool.fetch(BELONGINGS)
        assert pid == await pool.fetchval("SELECT pg_backend_pid()")


@pytest.mark.parametrize("option", [{"command_timeout": 0.1}, {"statement_cache_size": 0}])
async def test_the_pools_own_options_do_not_reach_the_migrations(
    postgres_url: str, migration_folder: MigrationFolder, option: dict[str, Any]
) -> None:
    """A time-out for requests is none for a migration."""
    migration_folder.write("1_slow.sql", "SELECT pg_sleep(0.4);\n")
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1, **option) as pool:
        report = await asyncmig.migrate(pool, migration_folder, observer=None)
    assert ["1"] == [entry.key for entry in report.entries]


async def test_codecs_of_the_application_do_not_reach_the_history(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Its texts and numbers may be whatever it likes."""
    migration_folder.write("1_users.sql", "CREATE TABLE users (id int);\n")

    def refuse(_: object) -> str:
        raise ZeroDivisionError

    async def spoil(connection: PoolConnectionProxy[Any] | asyncpg.Connection[Any]) -> None:
        for kind in ("int4", "int8", "bool", "timestamptz", "json", "jsonb"):
            await connection.set_type_codec(
                kind, schema="pg_catalog", encoder=refuse, decoder=refuse
            )

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1, init=spoil) as pool:
        migrator = asyncmig.Migrator(pool, migration_folder, observer=None)
        report = await migrator.up()
        assert report.entries == await migrator.history()
