"""A SQLite database that an application keeps busy: who waits, how, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from asyncmig import Migrator
from asyncmig.engines.locking import FIRST_PAUSE, LONGEST_PAUSE
from asyncmig.engines.sqlite.lock import SUFFIX, LockFile
from asyncmig.events import MigrationRetrying
from tests.engines.lab import RUNNER
from tests.engines.sqlite.places import application, journal_mode, rows
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from pathlib import Path

    from asyncmig.events import Event, Observer
    from tests.migration_folder import MigrationFolder

READ = "SELECT count(*) FROM users"
EXISTS = "SELECT CASE WHEN format"


@pytest.fixture
async def users(sqlite_path: Path, migration_folder: MigrationFolder) -> Path:
    """Return a database with a rollback journal, a version applied, and another one pending."""
    migration_folder.write("001_users.sql", "CREATE TABLE users (id INTEGER);\n")
    await migrator(sqlite_path, migration_folder).up()
    migration_folder.write("002_more.sql", "INSERT INTO users VALUES (2);\n")
    return sqlite_path


def migrator(
    path: Path, folder: MigrationFolder, mode: str = "delete", observer: Observer | None = None
) -> Migrator:
    """Return what migrates a database."""
    return Migrator(f"sqlite:///{path}?journal_mode={mode}", folder, observer=observer)


@contextlib.contextmanager
def busy(path: Path, *statements: str) -> Generator[sqlite3.Connection]:
    """Be an application in the middle of something."""
    with application(path) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()
        yield connection


async def until(tap: Tap, beginning: str, times: int) -> None:
    """Return when a statement has been tried that often."""
    await anyio.to_thread.run_sync(tap.wait_for, beginning, times)


async def test_the_tries_of_a_commit_that_meets_a_reader_spread(
    users: Path, migration_folder: MigrationFolder
) -> None:
    """Each pause is about twice the one before, and none is what another runner would take."""
    pauses: list[int] = []
    enough = anyio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, MigrationRetrying):
            pauses.append(event.delay_ms)
            if len(pauses) == 5:
                enough.set()

    with busy(users, "BEGIN", READ) as reader:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(migrator(users, migration_folder, observer=watch).up)
            with anyio.fail_after(30):
                await enough.wait()
            reader.execute("COMMIT")

    doubled = [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) * 1000 for number in range(5)]
    ratios = [pause / about for pause, about in zip(pauses, doubled, strict=False)]
    assert [True] * 5 == [0.45 < ratio < 1.55 for ratio in ratios]
    assert len({round(ratio, 1) for ratio in ratios}) > 1
    assert [(2,)] == rows(users, "SELECT id FROM users")


async def test_the_journal_mode_is_changed_when_the_reader_has_gone(
    users: Path, migration_folder: MigrationFolder
) -> None:
    """SQLite needs the file for itself then; that somebody reads it is no failure."""
    tap = Tap()
    with busy(users, "BEGIN", READ) as reader, tap.listening():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(migrator(users, migration_folder, "wal").up)
            await until(tap, "PRAGMA journal_mode", 2)
            reader.execute("COMMIT")

    assert ("wal", [(2,)]) == (journal_mode(users), rows(users, "SELECT id FROM users"))


def test_a_lock_file_that_another_runner_writes_to_is_taken(sqlite_path: Path) -> None:
    """Not even for the moment of its COMMIT is that a failure of ours."""
    lock = LockFile(str(sqlite_path), RUNNER)
    with busy(sqlite_path.with_name(f"{sqlite_path.name}{SUFFIX}"), "BEGIN EXCLUSIVE"):
        assert not lock.take()
    assert lock.take()
    lock.release()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What an application does, and what the runner then tries again and again.

    Attributes:
        mode: The journal mode that the runner asks for.
        application: What the application says, before it falls silent.
        runner: How the statement begins that the runner repeats.
        times: How often that was said when the runner waits.
    """

    mode: str
    application: tuple[str, ...]
    runner: str
    times: int


OBSTACLES = [
    pytest.param(Obstacle("delete", ("BEGIN EXCLUSIVE",), EXISTS, 2), id="reading"),
    pytest.param(Obstacle("wal", ("BEGIN", READ), "PRAGMA journal_mode", 2), id="journal mode"),
    pytest.param(Obstacle("delete", ("BEGIN IMMEDIATE",), "BEGIN IMMEDIATE", 4), id="turn"),
    pytest.param(Obstacle("delete", ("BEGIN", READ), "COMMIT", 3), id="commit"),
]


@pytest.mark.parametrize("obstacle", OBSTACLES)
async def test_a_cancellation_ends_a_wait(
    users: Path, migration_folder: MigrationFolder, obstacle: Obstacle
) -> None:
    """Within 5 s, with nothing changed and nothing held, whatever the runner was waiting for."""
    tap = Tap()
    with busy(users, *obstacle.application), tap.listening():
        run = asyncio.create_task(migrator(users, migration_folder, obstacle.mode).up())
        await until(tap, obstacle.runner, obstacle.times)
        began = time.monotonic()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        took = time.monotonic() - began

    assert took < 5
    assert [] == rows(users, "SELECT id FROM users")
    await migrator(users, migration_folder, obstacle.mode).up()
    assert [(2,)] == rows(users, "SELECT id FROM users")


WITHOUT_TRANSACTION = """\
import sqlite3
import threading
import time

import anyio.to_thread

transaction = False


def write(path, began):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    began.set()
    time.sleep(0.4)
    connection.execute("COMMIT")
    connection.close()


async def up(connection):
    began = threading.Event()
    writer = threading.Thread(target=write, args=({path!r}, began))
    writer.start()
    await anyio.to_thread.run_sync(began.wait)
    await connection.execute("INSERT INTO users VALUES (2)")
    await anyio.to_thread.run_sync(writer.join)
"""


async def test_python_without_a_transaction_waits_for_an_application(
    users: Path, migration_folder: MigrationFolder
) -> None:
    """Nobody could try its statement again: the row is open, and what was done stays."""
    migration_folder.remove("002_more.sql")
    migration_folder.write("002_more.py", WITHOUT_TRANSACTION.replace("{path!r}", repr(str(users))))

    await migrator(users, migration_folder).up()

    assert [(2,)] == rows(users, "SELECT id FROM users")
