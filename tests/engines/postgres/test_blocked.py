"""Locks that are in the way: the whole transaction is rolled back and tried again."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig.engines.postgres import patience
from asyncmig.engines.settings import EngineSettings
from asyncmig.errors import MigrationFailedError, SettingsError
from asyncmig.history import Generation, History
from asyncmig.migration import Limits
from tests.engines.lab import Seen, first_step, history_of, locked, python, run, sql
from tests.engines.postgres.ground import ask, connected, do, engine_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.base import Engine
    from asyncmig.migration import Migration

CHANGE = "CREATE TABLE other ();\nALTER TABLE users ADD COLUMN name text;"
IN_PYTHON = f"await connection.execute({CHANGE!r})"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(patience, "_LONGEST_DELAY", 0.1)


@asynccontextmanager
async def reading_users(url: str) -> AsyncGenerator[Any]:
    """Yield the transaction of an application that has read a table, and so holds a lock on it."""
    await do(url, "CREATE TABLE users (id int)")
    async with connected(url) as application:
        transaction = application.transaction()
        await transaction.start()
        await application.execute("SELECT count(*) FROM users")
        yield transaction


@pytest.mark.parametrize("transaction", [True, False])
async def test_a_blocked_migration_is_tried_again(postgres_url: str, transaction: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """It lets go of every lock in between, and succeeds when the way is free."""
    seen = await succeed_in_the_end(postgres_url, sql("1", CHANGE, transaction=transaction))
    assert {"canceling statement due to lock timeout"} == _reasons(seen)


async def test_python_that_says_so_is_tried_again(postgres_url: str) -> None:
    """What it does outside of the database happens again, and its author knows it."""
    seen = await succeed_in_the_end(postgres_url, python("1", IN_PYTHON, retry=True))
    assert {"canceling statement due to lock timeout"} == _reasons(seen)


async def succeed_in_the_end(url: str, migration: Migration) -> Seen:
    """Apply a migration in whose way somebody is until it has been tried twice."""
    engine, seen = engine_for(url, lock_timeout=0.2), Seen()
    async with reading_users(url) as reading, locked(engine) as session:
        step = first_step(History(), migration)
        async with anyio.create_task_group() as tasks:

            async def apply() -> None:
                await session.apply(step, Generation(), seen.events)

            tasks.start_soon(apply)
            while len(seen.retries) < 2:  # noqa: ASYNC110 - an event per retry is told to `seen`
                await anyio.sleep(0.02)
            await reading.rollback()
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0"
    assert [(2,)] == await ask(url, columns)
    return seen


def _reasons(seen: Seen) -> set[str]:
    return {why.rpartition(": ")[2] for why in seen.retries}


async def give_up(
    url: str, engine: Engine, migration: Migration
) -> tuple[MigrationFailedError, Seen]:
    """Apply a migration in whose way somebody stays, and return what came of it."""
    seen = Seen()
    async with reading_users(url), locked(engine) as session:
        with pytest.raises(MigrationFailedError) as caught:
            await session.apply(first_step(History(), migration), Generation(), seen.events)
    assert [(None,)] == await ask(url, "SELECT to_regclass('other')::text")
    return caught.value, seen


async def test_a_migration_that_stays_blocked_gives_up(postgres_url: str) -> None:
    """Never a last try without a time-out; the error says how often, and what to do."""
    engine = engine_for(postgres_url, lock_timeout=0.1, retries=2)
    error, seen = await give_up(postgres_url, engine, sql("1", CHANGE))
    assert (2, "55P03", 2) == (len(seen.retries), error.sqlstate, error.line)
    assert error.message.endswith("canceling statement due to lock timeout (tried 3 times)")
    assert "--lock-timeout" in error.hint
    assert History() == await history_of(engine)


async def test_every_try_has_the_time_out_also_the_last(postgres_url: str) -> None:
    """One without would make every query on the table wait behind it, for as long as it takes."""
    limits: list[str] = []

    async def note(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
        limits.append(await connection.fetchval("SHOW lock_timeout"))

    engine = engine_for(postgres_url, lock_timeout=0.1, retries=2, setup=note)
    await give_up(postgres_url, engine, sql("1", CHANGE))
    assert ["100ms", "100ms", "100ms"] == limits


@pytest.mark.parametrize("retries", [0, 1])
async def test_a_file_says_how_often_and_how_long(postgres_url: str, retries: int) -> None:
    """It knows better than the run how busy its tables are."""
    engine = engine_for(postgres_url, lock_timeout=None, retries=7)
    limits = Limits(lock_timeout=0.1, retries=retries)
    error, seen = await give_up(postgres_url, engine, sql("1", CHANGE, limits=limits))
    assert retries == len(seen.retries)
    assert error.message.endswith("(tried once)" if retries == 0 else "(tried 2 times)")


async def test_python_is_tried_once(postgres_url: str) -> None:
    """What it does outside of the database, a mail for one, would happen again."""
    engine = engine_for(postgres_url, lock_timeout=0.1, retries=7)
    error, seen = await give_up(postgres_url, engine, python("1", IN_PYTHON))
    assert ([], "55P03") == (seen.retries, error.sqlstate)
    assert "retry = True" in error.hint


SETTINGS = (
    "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l, "
    "current_setting('statement_timeout') AS s"
)


@pytest.mark.parametrize("transaction", [True, False])
@pytest.mark.parametrize(
    ("run_says", "file_says", "expected"),
    [
        ({}, Limits(), ("2s", "0")),
        ({"lock_timeout": 3.0, "statement_timeout": 4.0}, Limits(), ("3s", "4s")),
        ({"lock_timeout": None}, Limits(), ("0", "0")),
        (
            {"lock_timeout": 3.0, "statement_timeout": 4.0},
            Limits(lock_timeout=0.5, statement_timeout=60.0),
            ("500ms", "1min"),
        ),
        (
            {"lock_timeout": 3.0, "statement_timeout": 4.0},
            Limits(lock_timeout=math.inf, statement_timeout=math.inf),
            ("0", "0"),
        ),
        ({}, Limits(lock_timeout=1e9), ("2147483647ms", "0")),
    ],
)
async def test_the_server_keeps_the_limits(
    postgres_url: str,
    transaction: bool,  # noqa: FBT001 - a parameter of a test
    run_says: dict[str, Any],
    file_says: Limits,
    expected: tuple[str, str],
) -> None:
    """The file's, else those of the run; what the server cannot keep is as good as for ever."""
    migration = sql("1", SETTINGS, transaction=transaction, limits=file_says)
    await run(engine_for(postgres_url, **run_says), migration)
    assert [expected] == await ask(postgres_url, "SELECT l, s FROM seen")


async def test_python_has_the_limits_too(postgres_url: str) -> None:
    """They are the server's, whoever sends the statements."""
    limits = Limits(lock_timeout=0.5, statement_timeout=60.0)
    source = f"await connection.execute({SETTINGS!r})"
    await run(engine_for(postgres_url), python("1", source, limits=limits))
    assert [("500ms", "1min")] == await ask(postgres_url, "SELECT l, s FROM seen")


async def test_a_file_has_a_later_word_than_the_url(postgres_url: str) -> None:
    """The URL is for all files, the marker for this one."""
    url = f"{postgres_url}&options=-c%20lock_timeout%3D7s%20-c%20statement_timeout%3D9s"
    await run(engine_for(url), sql("1", SETTINGS, limits=Limits(lock_timeout=0.5)))
    assert [("500ms", "9s")] == await ask(postgres_url, "SELECT l, s FROM seen")


async def test_a_statement_that_takes_too_long_is_not_tried_again(postgres_url: str) -> None:
    """It would take as long the next time."""
    engine, seen = engine_for(postgres_url, statement_timeout=0.1), Seen()
    async with locked(engine) as session:
        step = first_step(History(), sql("1", "SELECT pg_sleep(60)"))
        with pytest.raises(MigrationFailedError, match="statement timeout") as caught:
            await session.apply(step, Generation(), seen.events)
    assert ("57014", []) == (caught.value.sqlstate, seen.retries)


def test_fewer_than_no_retries_are_refused() -> None:
    """A migration would not be tried at all."""
    with pytest.raises(SettingsError, match="retries must be 0 or more, not -1"):
        EngineSettings(retries=-1)
