"""Status, plan, history, verify, and waiting until somebody else has migrated."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import anyio
import pytest

import asyncmig
from asyncmig import Direction, Migrator, Problem, Version
from asyncmig.errors import (
    ChangedMigrationError,
    DatabaseUnavailableError,
    OutOfOrderError,
    PendingMigrationsError,
)
from tests.database import ask, tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import HISTORY, ITEMS, ORDERS, VIEW, states


async def test_looking_writes_nothing(migrator: Migrator, database_url: str) -> None:
    """Not even the history table."""
    await migrator.status()
    await migrator.plan()
    await migrator.verify()
    assert () == await migrator.history()
    if database_url.startswith("postgresql:"):
        assert [] == await tables(database_url)


async def test_looking_creates_no_sqlite_file(
    sqlite_url: str, sqlite_path: Path, shop: MigrationFolder
) -> None:
    """A database that is not there has no history."""
    migrator = Migrator(sqlite_url, shop, observer=None)
    assert {"1": "pending", "2": "pending", "R__totals": "pending"} == states(
        await migrator.status()
    )
    assert not await anyio.Path(sqlite_path).exists()


async def test_status_never_fails_because_files_and_history_disagree(
    migrator: Migrator, shop: MigrationFolder
) -> None:
    """That is what it is asked for; `up` refuses the same."""
    await migrator.up()
    shop.remove("1_users.sql")
    shop.write("2_orders.sql", ORDERS.replace("int", "integer"))
    report = await migrator.status()
    assert [("1", Problem.MISSING), ("2", Problem.CHANGED)] == [
        (status.key, problem) for status, problem in report.problems
    ]
    assert report == await migrator.verify()
    with pytest.raises(ChangedMigrationError):
        await migrator.up()


async def test_plan_shows_what_up_and_down_would_run(migrator: Migrator) -> None:
    """In order, and nothing else."""
    plan = await migrator.plan(to=1)
    assert (["1"], None, "") == ([step.key for step in plan.steps], plan.current, plan.script)
    await migrator.up()
    assert [[], ["2"], ["2", "1"]] == [
        [step.key for step in plan.steps]
        for plan in (
            await migrator.plan(),
            await migrator.plan(Direction.DOWN),
            await migrator.plan(Direction.DOWN, steps=2),
        )
    ]


async def test_late_versions_are_refused_applied_or_left(
    database_url: str, shop: MigrationFolder
) -> None:
    """By policy; what `warn` leaves does not keep a service from being ready."""
    await Migrator(database_url, shop, observer=None).up(to=2)
    shop.write("0_late.sql", ITEMS)
    strict = Migrator(database_url, shop, observer=None)
    with pytest.raises(OutOfOrderError, match="migration 0 is pending below 2"):
        await strict.up()
    with pytest.raises(PendingMigrationsError):
        await strict.require_current()
    warned = Migrator(database_url, shop, out_of_order="warn", observer=None)
    report = await warned.up()
    assert (["0"], 1, True) == (
        [status.key for status in report.warnings],
        report.pending,
        warned.ready,
    )
    assert ["0"] == [status.key for status in (await warned.require_current()).pending]
    lenient = Migrator(database_url, shop, out_of_order=asyncmig.OutOfOrder.APPLY, observer=None)
    assert ["0"] == [entry.key for entry in (await lenient.up()).entries]


async def test_old_code_boots_on_a_newer_database(
    migrator: Migrator, shop: MigrationFolder
) -> None:
    """A deploy that is rolled back: newer versions are reported, and nothing is run."""
    await migrator.up()
    shop.remove("2_orders.sql")
    shop.write("R__totals.sql", VIEW.replace("n FROM", "old FROM"))
    report = await migrator.up()
    assert ((), Version("2"), 0, True) == (
        report.entries,
        report.current,
        report.pending,
        migrator.ready,
    )
    assert {"1": "applied", "2": "ahead", "R__totals": "ahead"} == states(await migrator.status())


async def test_require_current_raises_until_nothing_is_pending(migrator: Migrator) -> None:
    """And `ready` follows."""
    with pytest.raises(PendingMigrationsError) as caught:
        await migrator.require_current()
    assert (("1", "2", "R__totals"), False) == (caught.value.versions, migrator.ready)
    await migrator.up()
    report = await migrator.require_current()
    assert (Version("2"), (), True) == (report.current, report.pending, migrator.ready)


async def test_waiting_ends_when_somebody_else_has_migrated(
    migrator: Migrator, database_url: str, shop: MigrationFolder
) -> None:
    """The pods of a fleet in which one migrates."""
    waiting = asyncio.create_task(migrator.wait_until_current(timeout=30))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await Migrator(database_url, shop, observer=None).up()
    report = await waiting
    assert ((), True) == (report.pending, migrator.ready)


async def test_waiting_stops_when_the_time_is_up(migrator: Migrator) -> None:
    """To the fraction of a second, although it looks ever more seldom."""
    began = asyncio.get_running_loop().time()
    with pytest.raises(PendingMigrationsError, match="migrations 1, 2, R__totals are pending"):
        await migrator.wait_until_current(timeout=0.3)
    assert 0.3 <= asyncio.get_running_loop().time() - began < 1.5


async def test_a_database_that_cannot_be_reached_is_waited_for(shop: MigrationFolder) -> None:
    """Until the time is up; then the error says so."""
    migrator = Migrator(
        "postgresql://nobody@127.0.0.1:1/x?sslmode=disable",
        shop,
        connect_timeout=0.1,
        observer=None,
    )
    with pytest.raises(DatabaseUnavailableError):
        await migrator.wait_until_current(timeout=0.3)


async def test_waiting_for_a_silent_server_stops_when_the_time_is_up(
    shop: MigrationFolder,
) -> None:
    """However long a connection may take otherwise: nobody answers at that address."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        migrator = Migrator(
            f"postgresql://nobody@127.0.0.1:{port}/x?sslmode=disable", shop, observer=None
        )
        began = asyncio.get_running_loop().time()
        with pytest.raises(DatabaseUnavailableError, match=r"did not answer in 1\.2 s"):
            await migrator.wait_until_current(timeout=1.2)
    assert 1.2 <= asyncio.get_running_loop().time() - began < 6


async def test_what_is_unfinished_is_not_current(migrator: Migrator, database_url: str) -> None:
    """Another runner is in the middle of a migration without a transaction."""
    await migrator.up()
    await ask(
        database_url,
        f"UPDATE {HISTORY} SET state = 'applying', finished_at = NULL WHERE version = '2'",
    )
    assert {"2": "applying"}.items() <= states(await migrator.status()).items()
    with pytest.raises(PendingMigrationsError) as caught:
        await migrator.require_current()
    assert ("2",) == caught.value.versions


async def test_states_of_the_contract_are_strings(migrator: Migrator) -> None:
    """Documents are made of them."""
    await migrator.up()
    kinds = [str(status.state) for status in (await migrator.status()).migrations]
    assert ["applied"] * 3 == kinds
