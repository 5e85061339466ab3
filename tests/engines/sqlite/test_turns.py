"""Small migrations that take their turns in one hop to the thread of the connection."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.engines.sqlite import turns
from asyncmig.engines.sqlite.applying import Turn
from asyncmig.engines.sqlite.shared import SAVEPOINT
from asyncmig.engines.statements import prepare
from asyncmig.errors import MigrationFailedError
from asyncmig.history import Generation, History
from asyncmig.migration import SqlScript
from asyncmig.plan import make_plan
from asyncmig.request import Durability
from asyncmig.sql import Dialect
from tests.engines.lab import LAX, UP, Seen, locked, python, share_of, sql
from tests.engines.sqlite.places import application, engine_for, rows
from tests.engines.sqlite.test_steps import SLOW
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from asyncmig.engines.base import Engine, Session, Share
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import Migration
    from asyncmig.plan import Step

SECONDS = 10
STATES = "SELECT version, state FROM asyncmig_history ORDER BY id"


def table(number: int) -> Migration:
    """Return a migration that makes a table."""
    return sql(str(number), f"CREATE TABLE t{number} (id integer PRIMARY KEY);")


ONE, TWO, THREE = table(1), table(2), table(3)


@pytest.fixture(autouse=True)
def _never_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all go over in one hop on a slow machine, too."""
    monkeypatch.setattr(turns, "_LONGEST", 1e9)


class Audience:
    """Who is told of steps, in the order in which that happens."""

    def __init__(self) -> None:
        self.told = list[str]()
        self.seen = Seen()
        self.begun = asyncio.Event()

    async def apply(self, session: Session, *migrations: Migration) -> None:
        """Do what a run does with them: give what is left, again and again."""
        shares = [self._share(step) for step in make_plan(migrations, History(), UP, LAX).steps]
        done = 0
        while done < len(shares):
            await session.apply_in_turn(shares[done:], Generation(done))
            done = sum(words.endswith("applied") for words in self.told)

    def _share(self, step: Step) -> Share:
        script = step.script
        events = replace(
            self.seen.events,
            on_started=lambda: self._start(step.key),
            on_applied=self._finish,
        )
        cut = None
        if isinstance(script, SqlScript):
            cut = prepare(script, Dialect.SQLITE, step.key)
        return replace(share_of(step, self.seen), events=events, prepared=cut)

    def _finish(self, entry: HistoryEntry) -> None:
        self.told.append(f"{entry.key} {entry.state}")

    def _start(self, key: str) -> None:
        self.told.append(f"{key} started")
        self.begun.set()


# --- in one hop -----------------------------------------------------------------------------------


@pytest.mark.parametrize("durability", Durability)
async def test_small_steps_go_over_in_one_hop(
    sqlite_path: Path, hops: list[str], durability: Durability
) -> None:
    """Each hop there and back costs about as much as one of them."""
    audience = Audience()
    async with locked(engine_for(sqlite_path, durability=durability)) as session:
        hops.clear()
        await audience.apply(session, ONE, TWO, THREE)
        assert ["_work_to"] == hops
        await session.flush()

    expected = [f"{n} {what}" for n in (1, 2, 3) for what in ("started", "applied")]
    assert expected == audience.told
    assert [(str(n), "applied") for n in (1, 2, 3)] == rows(sqlite_path, STATES)


@pytest.mark.parametrize(
    ("durability", "expected"),
    [
        (
            "migration",
            ["BEGIN IMMEDIATE", "PRAGMA data_version", "CREATE TABLE", "INSERT INTO", "COMMIT"],
        ),
        (
            "run",
            [f"SAVEPOINT {SAVEPOINT}", "CREATE TABLE", "INSERT INTO", f"RELEASE {SAVEPOINT}"],
        ),
    ],
)
async def test_a_step_behind_another_says_no_more_than_it_must(
    sqlite_path: Path, durability: str, expected: list[str]
) -> None:
    """Inside the transaction of another step nobody else can have written."""
    tap = Tap()
    with tap.listening():
        async with locked(engine_for(sqlite_path, durability=Durability(durability))) as session:
            await Audience().apply(session, ONE, TWO, THREE)
            said = [" ".join(words.split()[:2]) for words in tap.said]
            await session.flush()

    assert expected == said[-len(expected) :]
    assert expected == said[-2 * len(expected) : -len(expected)]


@pytest.mark.parametrize(
    ("migration", "expected"),
    [
        (sql("2", "CREATE TEMP TABLE left_over (id integer);"), 2),
        (sql("2", "CREATE TABLE t2 (id integer);", foreign_keys=False), 3),
        (python("2", "await connection.execute('CREATE TABLE t2 (id integer)')"), 4),
    ],
    ids=["leaves something", "without keys", "in Python"],
)
async def test_a_step_of_another_kind_ends_the_hop(
    sqlite_path: Path, hops: list[str], migration: Migration, expected: int
) -> None:
    """What one step leaves must not reach the next, and only plain SQL needs nothing around it."""
    audience = Audience()
    async with locked(engine_for(sqlite_path)) as session:
        hops.clear()
        await audience.apply(session, ONE, migration, THREE)

    assert expected == sum(name != "_nothing" for name in hops), hops  # a close does nothing
    assert [(str(n), "applied") for n in (1, 2, 3)] == rows(sqlite_path, STATES)


# --- what fails, and what has to wait -------------------------------------------------------------


@pytest.mark.parametrize("durability", Durability)
async def test_a_step_that_fails_leaves_those_before_it(
    sqlite_path: Path, durability: Durability
) -> None:
    """It is told of them first, and nothing of what failed remains."""
    audience = Audience()
    bad = sql("2", "CREATE TABLE t2 (id integer);\noops;")
    async with locked(engine_for(sqlite_path, durability=durability)) as session:
        with pytest.raises(MigrationFailedError, match=r"2_some.sql:2:1: near"):
            await audience.apply(session, ONE, bad, THREE)
        await session.flush()

    assert ["1 started", "1 applied", "2 started"] == audience.told
    assert [("1", "applied")] == rows(sqlite_path, STATES)
    assert [] == rows(sqlite_path, "SELECT 1 FROM sqlite_master WHERE name IN ('t2', 't3')")


async def test_a_step_that_has_to_wait_is_tried_again_alone(
    engine: Engine, sqlite_path: Path, hops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before it stand, and it is told of them; those behind it have time of their own."""
    audience = Audience()
    commit, on_retrying = Turn.commit, Turn.on_retrying
    waits = list[list[str]]()
    loop = asyncio.get_running_loop()
    with application(sqlite_path) as writer:

        def get_in_the_way(turn: Turn, raw: sqlite3.Connection) -> None:
            monkeypatch.setattr(Turn, "commit", commit)
            commit(turn, raw)
            writer.execute("BEGIN IMMEDIATE")

        def get_out_of_the_way(turn: Turn, attempt: int, pause: float, why: str) -> None:
            on_retrying(turn, attempt, pause, why)
            waits.append([*audience.told])
            loop.run_in_executor(None, writer.rollback)

        async with locked(engine) as session:
            monkeypatch.setattr(Turn, "commit", get_in_the_way)
            monkeypatch.setattr(Turn, "on_retrying", get_out_of_the_way)
            await audience.apply(session, ONE, TWO, THREE)
            last = [name for name in hops if name != "_nothing"][-2:]

    expected = [f"{n} {what}" for n in (1, 2, 3) for what in ("started", "applied")]
    assert (expected, expected[:2]) == (audience.told, waits[0])
    assert ["_work_to", "_work_to"] == last
    assert [(str(n), "applied") for n in (1, 2, 3)] == rows(sqlite_path, STATES)


# --- cancellation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("durability", Durability)
async def test_a_cancellation_keeps_what_was_committed_and_tells_of_it(
    sqlite_path: Path, durability: Durability
) -> None:
    """The statement that runs is interrupted, and its step rolled back."""
    audience = Audience()

    async def run() -> None:
        async with locked(engine_for(sqlite_path, durability=durability)) as session:
            try:
                await audience.apply(session, ONE, sql("2", SLOW), THREE)
            finally:
                await session.flush()

    task = asyncio.create_task(run())
    with anyio.fail_after(SECONDS):
        while "2 started" not in audience.told:
            audience.begun.clear()
            await audience.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert ["1 started", "1 applied", "2 started"] == audience.told
    assert [("1", "applied")] == rows(sqlite_path, STATES)


async def test_a_cancellation_during_a_commit_lets_no_other_step_begin(
    sqlite_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of that COMMIT stands, and is told of."""
    audience = Audience()
    commit = Turn.commit
    at_work, go_on = threading.Event(), threading.Event()

    def slow(turn: Turn, raw: sqlite3.Connection) -> None:
        at_work.set()
        assert go_on.wait(SECONDS)
        commit(turn, raw)

    async def run() -> None:
        async with locked(engine) as session:
            monkeypatch.setattr(Turn, "commit", slow)
            await audience.apply(session, ONE, TWO)

    task = asyncio.create_task(run())
    await asyncio.to_thread(at_work.wait, SECONDS)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["1 started", "1 applied"] == audience.told
    assert [("1", "applied")] == rows(sqlite_path, STATES)
