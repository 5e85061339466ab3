"""Up, down and redo: the report, the history, the events and the database say the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import asyncmig
from asyncmig import Direction, Migrator, RowState, Version
from asyncmig.errors import (
    ChangedMigrationError,
    MigrationFailedError,
    MissingMigrationError,
)
from tests.database import ask, tables

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import BROKEN, HISTORY, ITEMS, ORDERS, USERS, states


async def test_up_applies_everything_and_reports_it(
    migrator: Migrator, database_url: str, told: list[Event]
) -> None:
    """The report, the history, the events and the database say the same."""
    report = await migrator.up()
    assert [HISTORY, "orders", "users"] == await tables(database_url)
    assert ["1", "2", "R__totals"] == [entry.key for entry in report.entries]
    assert {RowState.APPLIED} == {entry.state for entry in report.entries}
    assert report.entries == await migrator.history()
    assert (
        asyncmig.RunReport(
            database=migrator.database,
            run_id=report.entries[0].run_id,
            direction=Direction.UP,
            entries=report.entries,
            current=Version("2"),
            pending=0,
            lock_wait_ms=report.lock_wait_ms,
            duration_ms=report.duration_ms,
        )
        == report
    )
    assert {report.run_id} == {event.run_id for event in told}
    assert {migrator.database} == {event.database for event in told}
    assert 0 <= report.lock_wait_ms <= report.duration_ms


async def test_up_again_does_nothing(migrator: Migrator) -> None:
    """No row is written, and the database is ready."""
    before = (await migrator.up()).entries
    report = await migrator.up()
    assert ((), 0, Version("2")) == (report.entries, report.lock_wait_ms, report.current)
    assert before == await migrator.history()


@pytest.mark.parametrize("to", ["1", "001", 1, Version("1")])
async def test_a_target_may_be_given_in_any_spelling(
    migrator: Migrator, to: str | int | Version
) -> None:
    """As text, as a number, or as a version."""
    report = await migrator.up(to=to)
    assert (["1"], 1, Version("1"), False) == (
        [entry.key for entry in report.entries],
        sum(1 for status in (await migrator.status()).pending if status.version),
        report.current,
        migrator.ready,
    )


async def test_up_goes_as_many_steps_as_asked(migrator: Migrator) -> None:
    """The repeatables come with the last version."""
    first, second = await migrator.up(steps=1), await migrator.up(steps=1)
    assert (["1"], ["2", "R__totals"]) == (
        [entry.key for entry in first.entries],
        [entry.key for entry in second.entries],
    )


async def test_down_reverts_one_by_default(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """The newest; what is below stays."""
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    migrator = Migrator(database_url, migration_folder, observer=None)
    await migrator.up()
    report = await migrator.down()
    assert [HISTORY, "users"] == await tables(database_url)
    assert (Direction.DOWN, ["2"], [RowState.REVERTED], Version("1"), 1, False) == (
        report.direction,
        [entry.key for entry in report.entries],
        [entry.state for entry in report.entries],
        report.current,
        report.pending,
        migrator.ready,
    )
    everything = await migrator.down(to=0)
    assert (None, [HISTORY]) == (everything.current, await tables(database_url))


async def test_down_uses_the_stored_sql_where_the_file_is_gone(
    migrator: Migrator, shop: MigrationFolder, database_url: str
) -> None:
    """Only when the caller says so; the plan shows it before."""
    await migrator.up()
    shop.remove("2_orders.sql")
    with pytest.raises(MissingMigrationError, match="migration 2 is applied, but the file is gone"):
        await migrator.down()
    plan = await migrator.plan(Direction.DOWN, from_history=True)
    assert ["2"] == [step.key for step in plan.steps]
    report = await migrator.down(from_history=True)
    assert ["2"] == [entry.key for entry in report.entries]
    assert [HISTORY, "users"] == await tables(database_url)


async def test_redo_reverts_and_applies_the_newest(migrator: Migrator, database_url: str) -> None:
    """One lock, and everything is as it was, the view that went along included."""
    await migrator.up()
    await ask(database_url, "INSERT INTO orders VALUES (1)")
    report = await migrator.redo()
    assert [
        ("2", RowState.REVERTED),
        ("2", RowState.APPLIED),
        ("R__totals", RowState.APPLIED),
    ] == [(entry.key, entry.state) for entry in report.entries]
    assert (Direction.UP, Version("2"), 0) == (report.direction, report.current, report.pending)
    assert [] == await ask(database_url, "SELECT * FROM orders")


async def test_redo_tries_the_file_that_is_being_written(
    migrator: Migrator, shop: MigrationFolder, database_url: str
) -> None:
    """With `changed="warn"`, because the file is not what was applied."""
    await migrator.up()
    shop.write("2_orders.sql", ORDERS.replace("id int", "number int"))
    with pytest.raises(ChangedMigrationError):
        await migrator.redo()
    lenient = Migrator(database_url, shop, changed="warn", observer=None)
    report = await lenient.redo()
    assert ["2", "2", "R__totals"] == [entry.key for entry in report.entries]
    assert () == report.warnings
    assert [] == await ask(database_url, "SELECT number FROM orders")


async def test_a_failure_keeps_what_was_applied_before(
    migrator: Migrator, shop: MigrationFolder, database_url: str
) -> None:
    """Nothing of the failed file remains; the error says where, and what went before."""
    shop.write("3_broken.sql", BROKEN)
    with pytest.raises(MigrationFailedError) as caught:
        await migrator.up()
    error = caught.value
    assert [HISTORY, "orders", "users"] == await tables(database_url)
    assert (["1", "2"], "3", Direction.UP) == (
        [entry.key for entry in error.applied],
        error.version,
        error.direction,
    )
    assert error.location.startswith(f"{shop.path}/3_broken.sql:2:")
    assert {"1": "applied", "2": "applied", "3": "failed", "R__totals": "pending"} == states(
        await migrator.status()
    )
    shop.write("3_broken.sql", ITEMS)
    report = await migrator.up()
    assert ["3", "R__totals"] == [entry.key for entry in report.entries]
    assert 0 == report.pending


async def test_two_runs_at_once_apply_everything_once(
    database_url: str, shop: MigrationFolder
) -> None:
    """Two migrators do not know each other; the database keeps them apart."""
    migrators = [Migrator(database_url, shop, observer=None) for _ in range(2)]
    reports = await asyncio.gather(*(migrator.up() for migrator in migrators))
    done = [entry.key for report in reports for entry in report.entries]
    assert ["1", "2", "R__totals"] == sorted(done)
    assert [(Version("2"), 0)] * 2 == [(report.current, report.pending) for report in reports]
    assert [True, True] == [migrator.ready for migrator in migrators]


async def test_one_migrator_may_be_shared_by_tasks(migrator: Migrator) -> None:
    """It keeps nothing between calls but whether it is ready."""
    await asyncio.gather(migrator.up(), migrator.up(), migrator.status(), migrator.history())
    assert 3 == len(await migrator.history())


async def test_two_histories_in_one_database_do_not_meet(
    database_url: str, shop: MigrationFolder, tmp_path: Path
) -> None:
    """A library that ships migrations has a table of its own."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "1_items.sql").write_text(ITEMS)
    mine = Migrator(database_url, shop, observer=None)
    theirs = Migrator(database_url, other, table="other_history", observer=None)
    await asyncio.gather(mine.up(), theirs.up())
    assert [HISTORY, "items", "orders", "other_history", "users"] == await tables(database_url)
    assert (3, 1) == (len(await mine.history()), len(await theirs.history()))
