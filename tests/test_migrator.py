"""The object that one drives, on real databases: every method, from outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import asyncmig
from asyncmig import Direction, Migrator, Problem, RowState, State, Version
from asyncmig.errors import (
    AsyncmigError,
    ChangedMigrationError,
    DatabaseUnavailableError,
    DatabaseUrlError,
    HistoryNotEmptyError,
    IrreversibleMigrationError,
    MigrationFailedError,
    MissingMigrationError,
    NoMigrationsError,
    OutOfOrderError,
    PendingMigrationsError,
    SettingsError,
    TargetError,
    UnknownVersionError,
)
from tests.database import ask, tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

HISTORY = "asyncmig_history"
USERS = "-- migrate:up\nCREATE TABLE users (id int);\n-- migrate:down\nDROP TABLE users;\n"
ORDERS = "-- migrate:up\nCREATE TABLE orders (id int);\n-- migrate:down\nDROP TABLE orders;\n"
ITEMS = "CREATE TABLE items (id int);\n"
VIEW = "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT count(*) AS n FROM users;\n"
BROKEN = "CREATE TABLE half (id int);\nCREATE TABLE half (id int);\n"


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with two versions and a view."""
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    migration_folder.write("R__totals.sql", VIEW)
    return migration_folder


@pytest.fixture
def told() -> list[Event]:
    """Return what the migrator told."""
    return []


@pytest.fixture
def migrator(database_url: str, shop: MigrationFolder, told: list[Event]) -> Migrator:
    """Return a migrator of the shop."""
    return Migrator(database_url, shop, observer=told.append)


def states(report: asyncmig.StatusReport) -> dict[str, str]:
    """Return the state of every migration."""
    return {status.key: status.state.value for status in report.migrations}


# --- run --------------------------------------------------------------------------------------


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
    """Two rows, one lock, and everything is as it was."""
    await migrator.up()
    await ask(database_url, "INSERT INTO orders VALUES (1)")
    report = await migrator.redo()
    assert [("2", RowState.REVERTED), ("2", RowState.APPLIED)] == [
        (entry.key, entry.state) for entry in report.entries
    ]
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
    assert ["2", "2"] == [entry.key for entry in report.entries]
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


# --- look -------------------------------------------------------------------------------------


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
    assert not sqlite_path.exists()


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


# --- being current ----------------------------------------------------------------------------


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
        "postgresql://nobody@127.0.0.1:1/x", shop, connect_timeout=0.1, observer=None
    )
    with pytest.raises(DatabaseUnavailableError):
        await migrator.wait_until_current(timeout=0.3)


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


# --- settle -----------------------------------------------------------------------------------


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
    with pytest.raises(HistoryNotEmptyError, match="the history has 3 applied migrations"):
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


async def test_states_of_the_contract_are_strings(migrator: Migrator) -> None:
    """Documents are made of them."""
    await migrator.up()
    assert ["applied"] * 3 == [status.state for status in (await migrator.status()).migrations]
    assert State.APPLIED == "applied"
