"""The lock file: who holds it, and what becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.sqlite.lock import LockFile
from asyncmig.errors import DatabaseBusyError, LockTimeoutError
from tests.engines.lab import (
    RIVAL,
    RUNNER,
    Seen,
    history_of,
    locked,
    run,
    sql,
    wait_for,
)
from tests.engines.sqlite.places import application, engine_for, files_beside

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

    from asyncmig.engines.base import Engine

TEXT = "CREATE TABLE users (id integer PRIMARY KEY);"
USERS = sql("1", TEXT)
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def lock(sqlite_path: Path) -> Generator[LockFile]:
    """Return a lock that is released afterwards."""
    found = LockFile(str(sqlite_path), RUNNER)
    yield found
    found.release()


@pytest.fixture
def rival(sqlite_path: Path) -> Generator[LockFile]:
    """Return the same lock as another runner sees it."""
    found = LockFile(str(sqlite_path), RIVAL)
    yield found
    found.release()


def test_one_of_two_gets_it(lock: LockFile, rival: LockFile) -> None:
    """The other one gets it after the release, and reads who held it before."""
    assert (True, False, False) == (lock.take(), rival.take(), rival.take())
    holder = rival.holder()
    assert holder is not None
    assert "asyncmig/run-1 (pid 4711 on here)" == holder.description
    assert rival.is_held_by_another()
    lock.release()
    assert (False, True) == (rival.is_held_by_another(), rival.take())


def test_the_file_is_gone_after_the_release(
    lock: LockFile, rival: LockFile, sqlite_path: Path
) -> None:
    """Also when somebody has looked at it; asking makes no file."""
    assert not rival.is_held_by_another()
    assert rival.holder() is None
    assert set() == files_beside(sqlite_path)
    lock.take()
    rival.holder()
    rival.take()
    lock.release()
    assert set() == files_beside(sqlite_path)


def test_a_file_that_was_taken_away_is_no_lock(
    lock: LockFile, rival: LockFile, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened it before the holder removed it starts anew, with the file that others find."""
    lock.take()
    original = LockFile._try
    turns = list[str]()

    def late(self: LockFile, raw: sqlite3.Connection) -> str | None:
        if self is rival and not turns:
            turns.append("removed")
            lock.release()
        return original(self, raw)

    monkeypatch.setattr(LockFile, "_try", late)
    assert rival.take()
    assert ["removed"] == turns
    assert {"test.db-asyncmig-lock"} == files_beside(sqlite_path)
    assert (True, False) == (lock.is_held_by_another(), lock.take())


def test_a_file_that_is_taken_away_after_it_was_locked_is_no_lock(
    lock: LockFile, rival: LockFile, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the file that others find, and its content tells."""
    original = LockFile._try
    turns = list[str]()

    def hasty(self: LockFile, raw: sqlite3.Connection) -> str | None:
        token = original(self, raw)
        if not turns:
            turns.append("removed")
            sqlite_path.with_name("test.db-asyncmig-lock").unlink()
        return token

    monkeypatch.setattr(LockFile, "_try", hasty)
    assert (True, False) == (lock.take(), rival.take())
    assert {"test.db-asyncmig-lock"} == files_beside(sqlite_path)


def test_a_lock_file_that_a_crash_has_damaged_is_replaced(
    lock: LockFile, sqlite_path: Path
) -> None:
    """Nobody ever has to remove it by hand."""
    sqlite_path.with_name("test.db-asyncmig-lock").write_text("rubbish" * 1000)
    assert lock.take()


def test_releasing_twice_does_nothing(lock: LockFile) -> None:
    """Nor does releasing what was never taken."""
    lock.release()
    lock.take()
    lock.release()
    lock.release()


async def lock_within(seconds: float, engine: Engine) -> None:
    """Take the lock and let it go."""
    wait = wait_for(timeout=seconds)
    async with engine.session(RIVAL) as session, session.lock(wait):
        pass


async def test_a_killed_holder_frees_the_lock(sqlite_path: Path) -> None:
    """The next runner has it at once, and applies what was rolled back."""
    await run(engine_for(sqlite_path), USERS)
    code = (
        "import asyncio, pathlib\n"
        "from tests.engines.lab import *\n"
        "from tests.engines.sqlite.places import *\n"
        f"engine = engine_for(pathlib.Path({str(sqlite_path)!r}))\n"
        "source = 'await connection.execute(\"INSERT INTO users VALUES (1)\")\\n'\n"
        "source += 'print(\"ready\", flush=True)\\nimport asyncio\\nawait asyncio.sleep(60)'\n"
        f"asyncio.run(run(engine, sql('1', {TEXT!r}), python('2', source)))\n"
    )
    holder = await anyio.open_process(
        [sys.executable, "-c", code], cwd=PROJECT, stderr=subprocess.DEVNULL
    )
    async with holder:
        assert holder.stdout is not None
        assert b"ready" in await holder.stdout.receive()
        with pytest.raises(LockTimeoutError, match="held by asyncmig/run-1"):
            await lock_within(0.1, engine_for(sqlite_path))
        os.kill(holder.pid, signal.SIGKILL)
        await holder.wait()
        await lock_within(1, engine_for(sqlite_path))
        insert = sql("2", "INSERT INTO users VALUES (2)")
        await run(engine_for(sqlite_path), USERS, insert)
    with application(sqlite_path) as connection:
        assert [(2,)] == connection.execute("SELECT id FROM users").fetchall()
    assert "test.db-asyncmig-lock" not in files_beside(sqlite_path)


async def test_a_waiter_waits_for_a_runner_longer_than_for_an_application(
    sqlite_path: Path,
) -> None:
    """A long migration of another runner is no busy application."""

    async def waiter() -> None:
        await run(engine_for(sqlite_path, busy=0.2), USERS, runner=RIVAL)

    async with anyio.create_task_group() as tasks, locked(engine_for(sqlite_path)) as session:
        tasks.start_soon(waiter)
        await anyio.sleep(1)
        assert 0 == len(await session.history())


async def test_a_reader_waits_for_a_runner_that_keeps_it_out(sqlite_path: Path) -> None:
    """Without WAL a COMMIT keeps readers out; who lives may take its time."""
    await run(engine_for(sqlite_path, journal_mode="delete"), USERS)
    async with anyio.create_task_group() as tasks, locked(engine_for(sqlite_path)):
        with application(sqlite_path) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            tasks.start_soon(history_of, engine_for(sqlite_path, busy=0.5))
            await anyio.sleep(1.5)
            writer.execute("COMMIT")


async def test_a_reader_does_not_wait_for_an_application_for_ever(sqlite_path: Path) -> None:
    """The budget is busy_timeout."""
    await run(engine_for(sqlite_path, journal_mode="delete"), USERS)
    with application(sqlite_path) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseBusyError, match="locked by another connection"):
            await history_of(engine_for(sqlite_path, busy=0.3))


async def test_the_holder_is_announced(sqlite_path: Path) -> None:
    """With host, process and run, and since when."""
    seen = Seen()
    async with locked(engine_for(sqlite_path)), engine_for(sqlite_path).session(RIVAL) as rival:
        with pytest.raises(LockTimeoutError):
            async with rival.lock(wait_for(timeout=0.1, seen=seen)):
                pass
    (holder,) = seen.holders
    assert holder is not None
    assert holder.since is not None
    assert "asyncmig/run-1 (pid 4711 on here)" == holder.description
