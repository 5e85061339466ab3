"""Several migrations in one transaction (``durability="run"``), told of once it is committed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiosqlite
import anyio
import pytest

from asyncmig import Migrator, tally
from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.settings import EngineSettings
from asyncmig.engines.sqlite import SqliteEngine
from asyncmig.engines.sqlite.shared import SAVEPOINT, SharedTransaction
from asyncmig.errors import DatabaseBusyError, MigrationFailedError
from asyncmig.events import Event, MigrationApplied, MigrationStarted, RunFinished
from asyncmig.plan import make_plan
from asyncmig.request import Durability
from tests.engines.lab import LAX, UP, Seen, in_batches, locked, python, sql
from tests.engines.sqlite.places import application, engine_for, keys_on, rows
from tests.engines.sqlite.test_steps import SLOW
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

    from asyncmig.engines.base import Engine, Session
    from asyncmig.events import Observer
    from asyncmig.migration import Migration

SECONDS = 10
STATES = "SELECT version, state FROM asyncmig_history ORDER BY id"
TABLES = "SELECT name FROM sqlite_master WHERE name LIKE 't_' ORDER BY name"


def table(number: int) -> Migration:
    """Return a migration that makes a table."""
    return sql(str(number), f"CREATE TABLE t{number} (id integer PRIMARY KEY);")


REFUSE = "CREATE TRIGGER no BEFORE INSERT ON t1 BEGIN SELECT RAISE(ROLLBACK, 'no'); END;"
ONE, TWO, THREE = table(1), table(2), table(3)


@pytest.fixture(autouse=True)
def _never_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no second pass on a slow machine."""
    monkeypatch.setattr(tally, "_LONGEST_HOLD", 1e9)


@pytest.fixture(name="sharing")
def _sharing(sqlite_path: Path) -> Engine:
    """Return an engine that waits for the disk once."""
    return engine_for(sqlite_path, durability=Durability.RUN, busy=0.5)


async def apply(session: Session, *migrations: Migration) -> None:
    """Apply migrations, and flush nothing."""
    history = await session.history()
    for step in make_plan(migrations, history, UP, LAX).steps:
        entry = await session.apply(step, history.generation, Seen().events)
        history = history.with_entry(entry, step.edit())


def said(tap: Tap) -> list[str]:
    """Return what began and ended the transactions of migrations, and which tables were made."""
    first = tap.said.index(f"SAVEPOINT {SAVEPOINT}") - 1
    words = ("BEGIN", "COMMIT", "ROLLBACK", "CREATE TABLE t", "PRAGMA foreign_keys = OFF")
    return [one.split(" (")[0] for one in tap.said[first:] if one.startswith(words)]


@dataclass(slots=True)
class Witness:
    """An observer that looks into the database at every success it is told of."""

    path: Path
    told: list[str] = field(default_factory=list[str])
    early: list[str] = field(default_factory=list[str])
    end: str | None = None

    def __call__(self, event: Event) -> None:
        """Look."""
        if isinstance(event, MigrationApplied):
            self.told.append(event.version)
            if (event.version, "applied") not in rows(self.path, STATES):
                self.early.append(event.version)
        elif isinstance(event, RunFinished):
            self.end = event.error


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of migrations, and the database that they are for."""

    folder: Path
    path: Path

    def migrator(self, files: Mapping[str, str], observer: Observer) -> Migrator:
        """Return what runs them, with one wait for the disk."""
        self.folder.mkdir()
        for name, text in files.items():
            (self.folder / name).write_text(text)
        url = f"sqlite:///{self.path}"
        return Migrator(url, self.folder, durability="run", observer=observer)


@pytest.fixture(name="project")
def _project(tmp_path: Path, sqlite_path: Path) -> Project:
    """Return a project without files."""
    return Project(tmp_path / "files", sqlite_path)


FILES = {f"{n}_t.sql": f"CREATE TABLE t{n} (id integer PRIMARY KEY);" for n in (1, 2)}


# --- what is shared -------------------------------------------------------------------------------


async def test_several_migrations_are_one_transaction(sqlite_path: Path, sharing: Engine) -> None:
    """The disk is waited for once, and nobody sees any of them before that."""
    tap = Tap()
    with tap.listening():
        async with locked(sharing) as session:
            await apply(session, ONE, TWO, THREE)
            seen = rows(sqlite_path, STATES)
            await session.flush()
            words = said(tap)

    tables = [f"CREATE TABLE t{number}" for number in (1, 2, 3)]
    assert ["BEGIN IMMEDIATE", *tables, "COMMIT"] == words
    assert [] == seen
    assert [("1", "applied"), ("2", "applied"), ("3", "applied")] == rows(sqlite_path, STATES)


async def test_what_is_not_flushed_is_not_there(sqlite_path: Path, sharing: Engine) -> None:
    """Neither a table nor its row: a killed runner leaves the same."""
    async with locked(sharing) as session:
        await apply(session, ONE, TWO)
    assert ([], []) == (rows(sqlite_path, STATES), rows(sqlite_path, TABLES))


@pytest.mark.parametrize(
    "other",
    [
        sql("2", "CREATE TABLE t2 (id);", foreign_keys=False),
        sql("2", "CREATE TABLE t2 (id);", transaction=False),
        python("2", "await connection.execute('CREATE TABLE t2 (id)')"),
    ],
    ids=["foreign_keys", "bare", "python"],
)
async def test_what_shares_no_transaction_is_committed_on_its_own(
    sqlite_path: Path, sharing: Engine, other: Migration
) -> None:
    """What was finished before is committed first."""
    async with locked(sharing) as session:
        await apply(session, ONE)
        await apply(session, ONE, other)
        assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)
        await apply(session, ONE, other, THREE)
        assert [("t1",), ("t2",)] == rows(sqlite_path, TABLES)
        await session.flush()
    assert [("t1",), ("t2",), ("t3",)] == rows(sqlite_path, TABLES)


async def test_batches_share_no_transaction(sqlite_path: Path, sharing: Engine) -> None:
    """Each has its own; what was finished before is committed first, and stays when one fails."""
    insert = "INSERT INTO t1 SELECT max(1, :batch_size) WHERE (SELECT count(*) FROM t1) = 0"
    good, bad = in_batches("2", insert), in_batches("4", f"{insert} OR oops")
    async with locked(sharing) as session:
        await apply(session, ONE, good)
        assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)
        with pytest.raises(MigrationFailedError, match="oops"):
            await apply(session, ONE, good, THREE, bad)
        await session.flush()
    assert [("t1",), ("t3",)] == rows(sqlite_path, TABLES)
    expected = [("1", "applied"), ("2", "applied"), ("3", "applied"), ("4", "applying")]
    assert expected == rows(sqlite_path, STATES)


async def test_what_a_migration_leaves_on_the_connection_ends_the_sharing(
    sqlite_path: Path, sharing: Engine
) -> None:
    """The next one gets another connection, for which the first one has to let go."""
    leaving = sql("2", "CREATE TEMP TABLE left_over (id);")
    async with locked(sharing) as session:
        await apply(session, ONE, leaving, sql("3", "CREATE TABLE left_over (id);"))
        assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)
        await session.flush()
    assert 3 == len(rows(sqlite_path, STATES))


async def test_a_setup_hook_meets_no_open_transaction(sqlite_path: Path) -> None:
    """It may set what cannot be set inside one, so nothing is shared."""
    engine = engine_for(sqlite_path, durability=Durability.RUN, setup=keys_on)
    async with locked(engine) as session:
        await apply(session, ONE, TWO)
    assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)


async def test_keys_that_are_looked_at_in_commit_are_looked_at_after_each_migration(
    sqlite_path: Path,
) -> None:
    """What would fail alone fails here too, although the next migration puts it right."""
    family = "CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY "
    files = [
        sql("1", f"{family} DEFERRED);"),
        sql("2", "INSERT INTO c VALUES (1);"),
        sql("3", "INSERT INTO p VALUES (1);"),
    ]
    async with aiosqlite.connect(sqlite_path) as connection:
        await connection.execute("PRAGMA foreign_keys = ON")
        engine = SqliteEngine(connection, EngineSettings(durability=Durability.RUN))
        async with locked(engine) as session:
            with pytest.raises(MigrationFailedError, match="FOREIGN KEY"):
                await apply(session, *files)
    assert [("1", "applied")] == rows(sqlite_path, STATES)


# --- what fails -----------------------------------------------------------------------------------


async def test_a_failing_migration_leaves_those_before_it(project: Project) -> None:
    """They are committed, and told of, before the failure is."""
    witness = Witness(project.path)
    migrator = project.migrator({**FILES, "3_bad.sql": "CREATE TABLE t3 (id); oops;"}, witness)
    with pytest.raises(MigrationFailedError) as caught:
        await migrator.up()
    assert ["1", "2"] == [entry.key for entry in caught.value.applied]
    assert (["1", "2"], []) == (witness.told, witness.early)
    expected = [("1", "applied"), ("2", "applied"), ("3", "failed")]
    assert expected == rows(project.path, STATES)
    assert [("t1",), ("t2",)] == rows(project.path, TABLES)


@pytest.mark.parametrize(
    "culprit",
    [
        "INSERT OR ROLLBACK INTO t1 VALUES (1), (1);",
        f"{REFUSE} INSERT INTO t1 VALUES (1);",
        "PRAGMA max_page_count = 20; CREATE TABLE f AS SELECT zeroblob(1000000);",
    ],
    ids=["conflict", "raise", "full"],
)
async def test_a_migration_that_rolls_back_all_others_fails_alone(
    project: Project, culprit: str
) -> None:
    """They are applied again, each on its own, and it is told of them only then."""
    witness = Witness(project.path)
    migrator = project.migrator({**FILES, "3_bad.sql": culprit}, witness)
    with pytest.raises(MigrationFailedError, match=r"UNIQUE|no$|full") as caught:
        await migrator.up()
    assert ["1", "2"] == [entry.key for entry in caught.value.applied]
    assert (["1", "2"], []) == (witness.told, witness.early)
    expected = [("1", "applied"), ("2", "applied"), ("3", "failed")]
    assert expected == rows(project.path, STATES)


async def test_a_savepoint_of_ours_is_not_an_authors(sqlite_path: Path, sharing: Engine) -> None:
    """Whoever released it would keep what is rolled back later."""
    async with locked(sharing) as session:
        await apply(session, ONE)
        with pytest.raises(MigrationFailedError, match="not authorized"):
            await apply(session, ONE, sql("2", "RELEASE ASYNCMIG_migration;"))
        await session.flush()
    assert [("1", "applied")] == rows(sqlite_path, STATES)


# --- cancellation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slow", "kept"),
    [(SLOW, ["1", "2"]), (f"INSERT INTO t1 {SLOW}", [])],
    ids=["reading", "writing"],
)
async def test_a_cancellation_tells_of_what_it_has_not_taken_back(
    project: Project, slow: str, kept: list[str]
) -> None:
    """An interrupt in the middle of a write rolls back all that share it."""
    witness = Witness(project.path)
    began = asyncio.Event()

    def observe(event: Event) -> None:
        witness(event)
        if isinstance(event, MigrationStarted) and event.version == "3":
            began.set()

    migrator = project.migrator({**FILES, "3_slow.sql": slow}, observe)
    task = asyncio.create_task(migrator.up())
    with anyio.fail_after(SECONDS):
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (kept, [], "CancelledError") == (witness.told, witness.early, witness.end)
    assert [(version, "applied") for version in kept] == rows(project.path, STATES)


async def test_a_cancellation_during_the_flush_waits_for_its_outcome(
    sqlite_path: Path, sharing: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a COMMIT: its outcome stands, and the cancellation comes after it."""
    flush = SharedTransaction.flush
    at_work, go_on = threading.Event(), threading.Event()

    def slow(self: SharedTransaction, raw: sqlite3.Connection) -> None:
        at_work.set()
        assert go_on.wait(SECONDS)
        flush(self, raw)

    monkeypatch.setattr(SharedTransaction, "flush", slow)
    done = list[str]()

    async def runner() -> None:
        async with locked(sharing) as session:
            await apply(session, ONE, TWO)
            await session.flush()
            done.append("flushed")
            await anyio.sleep(SECONDS)

    task = asyncio.create_task(runner())
    await asyncio.to_thread(at_work.wait, SECONDS)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["flushed"] == done
    assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)


# --- applications ---------------------------------------------------------------------------------


async def test_a_flush_waits_for_those_who_read(sqlite_path: Path) -> None:
    """Without WAL they keep a COMMIT waiting; nothing has to run again for that."""
    engine = engine_for(sqlite_path, journal_mode="delete", durability=Durability.RUN)
    async with locked(engine) as session:
        with application(sqlite_path) as reader:
            await apply(session, ONE, TWO)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM asyncmig_history").fetchall()
            release = threading.Timer(0.3, lambda: reader.execute("COMMIT"))
            release.start()
            await session.flush()
            release.join()
    assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)


async def test_what_cannot_be_flushed_within_the_budget_is_rolled_back(sqlite_path: Path) -> None:
    """It is said once that it is gone; from then on each migration is committed by itself."""
    engine = engine_for(sqlite_path, journal_mode="delete", durability=Durability.RUN, busy=0.2)
    async with locked(engine) as session:
        with application(sqlite_path) as reader:
            await apply(session, ONE, TWO)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM asyncmig_history").fetchall()
            with pytest.raises(DatabaseBusyError):
                await session.flush()
            reader.execute("COMMIT")
        with pytest.raises(HistoryMovedError):
            await session.flush()
        await session.flush()
        assert [] == rows(sqlite_path, STATES)
        await apply(session, ONE, TWO)
        assert [("1", "applied"), ("2", "applied")] == rows(sqlite_path, STATES)
