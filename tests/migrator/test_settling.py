"""Baseline, repair, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import Migrator, RowState, Version
from asyncmig.errors import (
    AsyncmigError,
    ChangedMigrationError,
    DatabaseUrlError,
    HistoryNotEmptyError,
    IrreversibleMigrationError,
    NoMigrationsError,
    SettingsError,
    TargetError,
    UnknownVersionError,
)
from tests.database import ask, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import ITEMS, ORDERS, USERS, states


@pytest.mark.parametrize("version", ["1", 1, Version("1")])
async def test_a_baseline_covers_what_is_there_already(
    migrator: Migrator, database_url: str, version: str | int | Version
) -> None:
    """It runs nothing; the next run begins above it."""
    await ask(database_url, "CREATE TABLE users (id int)")
    report = await migrator.baseline(version)
    assert "everything up to 1 is declared to be in the database" == report.description
    assert (report.entry,) == await migrator.history()
    assert ["2", "R__totals"] == [entry.key for entry in (await migrator.up()).entries]
    assert {"1": "baseline", "2": "applied", "R__totals": "applied"} == states(
        await migrator.status()
    )
    again = await migrator.baseline(version)
    assert ("the baseline is 1 already", None) == (again.description, again.entry)
    with pytest.raises(TargetError, match="nothing up to the baseline 1 can be reverted"):
        await migrator.down(to=0)


async def test_a_baseline_at_the_latest_leaves_nothing_versioned(migrator: Migrator) -> None:
    """A whole schema was there."""
    await migrator.baseline("latest")
    assert ["R__totals"] == [status.key for status in (await migrator.status()).pending]


async def test_a_baseline_on_a_history_is_refused(migrator: Migrator) -> None:
    """And nothing is written."""
    before = (await migrator.up()).entries
    with pytest.raises(HistoryNotEmptyError, match="is applied already"):
        await migrator.baseline(1)
    assert before == await migrator.history()


async def test_an_edited_file_can_be_accepted(migrator: Migrator, shop: MigrationFolder) -> None:
    """Shown first, then done; the row says that a person decided."""
    await migrator.up()
    shop.write("2_orders.sql", ORDERS.replace("int", "integer"))
    shown = await migrator.repair(accept="2", dry_run=True)
    assert ("the file of 2 as it is now stands for what was applied", None) == (
        shown.description,
        shown.entry,
    )
    with pytest.raises(ChangedMigrationError):
        await migrator.up()
    done = await migrator.repair(accept="2")
    assert done.entry is not None
    assert ("2", RowState.APPLIED, "repair") == (
        done.entry.key,
        done.entry.state,
        done.entry.origin,
    )
    assert () == (await migrator.verify()).problems
    assert ((), ()) == ((await migrator.up()).entries, (await migrator.up()).warnings)


async def test_a_migration_can_be_forgotten_and_marked(
    migrator: Migrator, database_url: str
) -> None:
    """What a person did by hand; neither runs anything."""
    await migrator.up()
    await ask(database_url, "DROP TABLE orders")
    await migrator.repair(forget="2")
    assert "pending" == states(await migrator.status())["2"]
    await migrator.up(steps=1)
    assert "orders" in await tables(database_url)
    await migrator.repair(forget="R__totals")
    report = await migrator.repair(mark="R__totals")
    assert "migration R__totals counts as applied from now on, without being run" == (
        report.description
    )
    assert () == (await migrator.status()).pending
    assert 0 == (await migrator.up()).pending


@pytest.mark.parametrize(
    "given", [{}, {"accept": "1", "forget": "1"}, {"mark": "1", "accept": "1"}]
)
async def test_a_repair_takes_one_decision(migrator: Migrator, given: dict[str, str]) -> None:
    """Not none, and not two that contradict each other."""
    with pytest.raises(SettingsError, match="give exactly one of accept, forget and mark"):
        await migrator.repair(**given)  # type: ignore[arg-type]


# --- what cannot be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask_for", "error", "sentence"),
    [
        (lambda m: m.up(to="9"), UnknownVersionError, "there is no version 9 (known: 1, 2)"),
        (lambda m: m.up(to="v1"), UnknownVersionError, "there is no version v1"),
        (lambda m: m.up(to=-1), UnknownVersionError, "there is no version -1"),
        (lambda m: m.down(to=9), UnknownVersionError, "there is no version 9 (known: 1, 2)"),
        (lambda m: m.up(steps=0), TargetError, "steps must be 1 or more, not 0"),
        (
            lambda m: m.down(to=1, steps=1),
            TargetError,
            "give either a target version or a number of steps, not both",
        ),
        (lambda m: m.baseline("9"), UnknownVersionError, "there is no version 9 (known: 1, 2)"),
        (
            lambda m: m.repair(mark="R__x"),
            UnknownVersionError,
            "there is no version R__x (known: 1, 2, R__totals)",
        ),
    ],
)
async def test_a_target_that_cannot_be_reached_is_refused(
    migrator: Migrator,
    ask_for: Callable[[Migrator], Any],
    error: type[AsyncmigError],
    sentence: str,
) -> None:
    """In a sentence, and the database stays as it was."""
    with pytest.raises(AsyncmigError) as caught:
        await ask_for(migrator)
    assert (error, sentence) == (type(caught.value), caught.value.message)
    assert () == await migrator.history()


async def test_what_cannot_be_reverted_is_not_begun(
    migrator: Migrator, shop: MigrationFolder
) -> None:
    """The whole way down is looked at before the first step."""
    shop.write("3_items.sql", ITEMS)
    shop.write("4_more.sql", USERS.replace("users", "more"))
    before = (await migrator.up()).entries
    with pytest.raises(IrreversibleMigrationError, match="migration 3 has nothing to go down with"):
        await migrator.down(to=2)
    assert before == await migrator.history()


async def test_an_empty_folder_is_refused(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Which never is what a deploy wants."""
    with pytest.raises(NoMigrationsError):
        await Migrator(database_url, migration_folder, observer=None).up()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"out_of_order": "ignore"}, "'ignore' is not a valid OutOfOrder"),
        ({"changed": "maybe"}, "'maybe' is not a valid Changed"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(options: dict[str, Any], sentence: str) -> None:
    """When the object is made, with the choices as the hint."""
    with pytest.raises(SettingsError) as caught:
        Migrator("sqlite:///x.db", **options)
    assert (sentence, "out_of_order: error, apply or warn; changed: error or warn") == (
        caught.value.message,
        caught.value.hint,
    )


def test_a_url_that_cannot_be_understood_is_refused_at_once() -> None:
    """Before anything is read or connected."""
    with pytest.raises(DatabaseUrlError):
        Migrator("mysql://x")
