"""Whole runs through a real PgBouncer, beside each other and before other clients."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.concurrency.evidence import Evidence, everything_once, history
from tests.concurrency.folders import herd_folder, two_steps
from tests.concurrency.journal import Journal
from tests.concurrency.runners import (
    Ended,
    Form,
    Order,
    applied,
    held_up,
    run,
    start,
)
from tests.database import ask, tables
from tests.engines.postgres.ground import connected, locks
from tests.servers.pgbouncer import PoolMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

    Pooler = Callable[..., str]

RUNNERS = 16
INDEX = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON ledger (n);\n"
LEDGER = "CREATE TABLE ledger (n integer);\n"
LEAVINGS = """\
SET lock_timeout = '17s';
SET search_path = pg_catalog;
SET ROLE pg_monitor;
SET my.own = 'x';
LISTEN news;
RESET ROLE;
CREATE TEMP TABLE left_over (id integer);
"""
PYTHON_LEAVINGS = f"async def up(connection):\n    await connection.execute({LEAVINGS!r})\n"
STATE = (
    "SELECT 'setting ' || name, setting FROM pg_settings",
    "SELECT 'own', nullif(current_setting('my.own', true), '')",
    "SELECT 'role', current_user || '/' || session_user",
    "SELECT 'schemas', current_schemas(false)::text",
    "SELECT 'channel', pg_listening_channels()",
    "SELECT 'temporary', relname FROM pg_class WHERE relpersistence = 't'",
    "SELECT 'lock', objid::text FROM pg_locks WHERE locktype = 'advisory'",
)


async def found(url: str) -> Evidence:
    """Return what is in the database; PgBouncer's own connections may stay."""
    rows = await ask(url, "SELECT n FROM ledger ORDER BY n")
    return Evidence([int(n) for (n,) in rows], await history(url), await locks(url))


@pytest.mark.parametrize("pool", [1, 2, 20])
@pytest.mark.parametrize("mode", [PoolMode.TRANSACTION, PoolMode.SESSION])
async def test_sixteen_runners_apply_everything_once(
    pgbouncer: Pooler,
    postgres_url: str,
    migration_folder: MigrationFolder,
    mode: PoolMode,
    pool: int,
) -> None:
    """They take turns, however few connections there are, and nobody fails."""
    keys = herd_folder(migration_folder, postgres_url, size=8, stepwise=False)
    order = Order(pgbouncer(mode, pool), migration_folder)

    ended = await start(Form.TASKS, [order] * RUNNERS, Journal())

    assert everything_once(keys) == await found(postgres_url)
    assert [(0, "")] * RUNNERS == [(end.exit_code, end.error) for end in ended]
    assert Counter(keys) == applied(ended)


async def test_a_full_run_needs_one_connection_of_the_pool(
    pgbouncer: Pooler, postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Fifty migrations by the command line in transaction mode; then nothing is left to do."""
    keys = herd_folder(migration_folder, postgres_url, stepwise=False)
    order = Order(pgbouncer(PoolMode.TRANSACTION, 1), migration_folder)

    ended = await start(Form.PROCESSES, [order], Journal())
    again = await start(Form.TASKS, [order], Journal())

    assert [Ended(0, keys), Ended(0, ())] == [*ended, *again]
    assert everything_once(keys) == await found(postgres_url)


async def test_the_holder_is_named_through_a_pooler(
    pgbouncer: Pooler, postgres_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """The lock belongs to its transaction there, and those who wait see whose it is."""
    gate, journal = tmp_path / "gate", Journal()
    keys = herd_folder(migration_folder, postgres_url, size=4, stepwise=False, gate=gate)
    url = pgbouncer(PoolMode.TRANSACTION, 4)
    hasty = Order(url, migration_folder, wait_timeout=0.3)

    async with held_up(gate, Order(url, migration_folder), journal, keys[3]):
        before = await found(postgres_url)
        waiter = await run(1, hasty, journal)
        after = await found(postgres_url)

    assert before == after
    assert (4, ()) == (waiter.exit_code, waiter.applied)
    assert re.search(r"held by asyncmig/\w+ \(pid \d+\)", waiter.error)
    assert everything_once(keys) == await found(postgres_url)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("002_leavings.sql", LEAVINGS),
        ("002_broken.sql", f"{LEAVINGS}SELECT 1 / 0;\n"),
        ("002_leavings.py", PYTHON_LEAVINGS),
        ("002_broken.py", f"{PYTHON_LEAVINGS}    raise ValueError\n"),
    ],
)
async def test_the_next_client_finds_the_connection_as_it_was(
    pgbouncer: Pooler, migration_folder: MigrationFolder, name: str, text: str
) -> None:
    """Every setting, the role, the schemas, channels, tables and locks: after a failure too."""
    url = pgbouncer(PoolMode.TRANSACTION, 1)
    migration_folder.write("001_ledger.sql", LEDGER)
    migration_folder.write(name, text)
    before = await state_of(url)

    ended = await run(0, Order(url, migration_folder), Journal())

    assert int("broken" in name) == ended.exit_code
    assert before == await state_of(url)


async def state_of(url: str) -> list[tuple[Any, ...]]:
    """Return what a client finds on the one connection that all share."""
    async with connected(url, statement_cache_size=0) as client:
        rows = [row for query in STATE for row in await client.fetch(query)]
    return sorted(tuple(row) for row in rows)


async def test_what_needs_a_session_is_refused(
    pgbouncer: Pooler, postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """With the sentence that asks for the server's own address; what came before it stays."""
    migration_folder.write("001_ledger.sql", LEDGER)
    migration_folder.write("002_index.sql", INDEX)
    order = Order(pgbouncer(PoolMode.TRANSACTION, 2), migration_folder)

    ended = await run(0, order, Journal())

    assert (2, ("001",)) == (ended.exit_code, ended.applied)
    assert "is not safe through" in ended.error
    assert "--direct-url" in ended.hint
    assert [("001", "applied")] == await history(postgres_url)


async def test_statement_pooling_is_refused(
    pgbouncer: Pooler, postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """No transaction can be begun there: nothing is written, and the way out is named."""
    migration_folder.write("001_ledger.sql", LEDGER)
    order = Order(pgbouncer(PoolMode.STATEMENT, 2), migration_folder)

    ended = await run(0, order, Journal())

    said = "the connection pooler is in statement mode, in which no transaction can be begun"
    assert Ended(5, (), said) == ended
    assert "--direct-url" in ended.hint
    assert [] == await tables(postgres_url)


@pytest.mark.parametrize("mode", [PoolMode.TRANSACTION, PoolMode.SESSION])
async def test_a_pooler_without_a_free_connection_is_waited_for(
    postgres_url: str,
    migration_folder: MigrationFolder,
    tmp_path: Path,
    pgbouncer: Pooler,
    mode: PoolMode,
) -> None:
    """The holder needs the only one for longer than PgBouncer lets a client queue."""
    url = pgbouncer(mode=mode, pool=1, query_wait_timeout="1")
    gate, journal = tmp_path / "gate", Journal()
    two_steps(migration_folder, gate, "SELECT 1;")
    ended = list[Ended]()

    async def waiter(number: int) -> None:
        ended.append(await run(number, order, journal))

    order = Order(url, migration_folder)
    async with anyio.create_task_group() as tasks, held_up(gate, order, journal, "001"):
        tasks.start_soon(waiter, 1)
        tasks.start_soon(waiter, 2)
        await anyio.sleep(2.5)
        assert [] == ended

    assert [0, 0] == [end.exit_code for end in ended]
    assert [("001", "applied"), ("002", "applied")] == await history(postgres_url)
