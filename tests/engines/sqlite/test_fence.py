"""How a step knows that the history is still the one it was planned from, at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.plan import make_plan
from tests.engines.lab import LAX, UP, Seen, locked, sql
from tests.engines.sqlite.places import application, engine_for
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aiosqlite

    from asyncmig.engines.base import Engine, Session
    from asyncmig.migration import Migration

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);")
POSTS = sql("2", "CREATE TABLE posts (id integer PRIMARY KEY);")
UNFINISH = "UPDATE asyncmig_history SET state = 'applying'"


async def apply_all(
    session: Session, *migrations: Migration, between: Callable[[], object] = lambda: None
) -> None:
    """Apply one migration after the other, as planned from the start."""
    history = await session.history()
    for step in make_plan(migrations, history, UP, LAX).steps:
        entry = await session.apply(step, history.generation, Seen().events)
        history = history.with_entry(entry, step.edit())
        between()


async def test_a_step_asks_for_the_whole_history_only_when_something_may_have_changed_it(
    sqlite_path: Path,
) -> None:
    """The second of two steps asks SQLite whether anybody has written, and reads no row."""
    tap = Tap()
    with tap.listening():
        async with locked(engine_for(sqlite_path)) as session:
            await apply_all(session, USERS, POSTS)
    second = len(tap.said) - 1 - tap.said[::-1].index("BEGIN IMMEDIATE")
    said = [" ".join(words.split()[:2]) for words in tap.said[second : second + 5]]

    expected = ["BEGIN IMMEDIATE", "PRAGMA data_version", "CREATE TABLE", "INSERT INTO", "COMMIT"]
    assert expected == said


async def test_to_see_that_the_table_is_there_takes_no_row(sqlite_path: Path) -> None:
    """Who takes the lock has read the history, and it may be long."""
    async with locked(engine_for(sqlite_path)) as session:
        await apply_all(session, USERS)
    tap = Tap()
    with tap.listening():
        async with locked(engine_for(sqlite_path)):
            pass
    reads = [words for words in tap.said if "FROM main.asyncmig_history" in words.replace('"', "")]

    assert [True] == [words.endswith(" LIMIT 0") for words in reads]


async def test_what_an_application_does_to_the_history_is_seen(
    engine: Engine, sqlite_path: Path
) -> None:
    """Another connection has changed a row between two steps."""

    def change() -> None:
        with application(sqlite_path) as connection:
            connection.execute(UNFINISH)

    async with locked(engine) as session:
        with pytest.raises(HistoryMovedError):
            await apply_all(session, USERS, POSTS, between=change)


async def test_what_a_migration_does_to_the_history_is_seen(engine: Engine) -> None:
    """Its own connection has, where nothing tells but the authorizer."""
    spelled = UNFINISH.replace("asyncmig_history", '"ASYNCMIG_history"')
    async with locked(engine) as session:
        with pytest.raises(HistoryMovedError):
            await apply_all(session, sql("1", "SELECT 1;"), sql("2", spelled), sql("3", "SELECT 3"))


async def test_what_a_setup_hook_does_to_the_history_is_seen(sqlite_path: Path) -> None:
    """It runs on the same connection too, and unwatched."""
    calls = list[str]()

    async def setup(connection: aiosqlite.Connection) -> None:
        if calls:
            await connection.execute(UNFINISH)
        calls.append("setup")

    async with locked(engine_for(sqlite_path, setup=setup)) as session:
        with pytest.raises(HistoryMovedError):
            await apply_all(session, USERS, POSTS)
