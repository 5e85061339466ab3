"""How often a run waits for an answer of the server: counts that cannot grow unnoticed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import Migrator, tally
from asyncmig.engines.base import NothingToDo
from asyncmig.engines.postgres.session import PostgresSession
from asyncmig.history import Generation, History
from tests.engines.lab import (
    RIVAL,
    RUNNER,
    Seen,
    first_step,
    locked,
    python,
    repeatable,
    run,
    sql,
    wait_for,
)
from tests.engines.postgres.ground import connected, do, engine_for, role
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.migration import Migration
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer PRIMARY KEY, name text)"
INSERT = "INSERT INTO users (id, name) VALUES (1, 'Zoë')"
CLOSE = COMMIT = 1


async def _trips_of(url: str, migration: Migration, **settings: Any) -> int:  # noqa: ANN401 - as EngineSettings
    """Apply one migration, and count from the moment the lock is held to the COMMIT."""
    async with Proxy(url) as proxy, locked(engine_for(proxy.url, **settings)) as session:
        step = first_step(History(), migration)
        before = proxy.round_trips
        await session.apply(step, Generation(), Seen().events)
        return proxy.round_trips - before


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", 1),
        ("-- nothing but a comment\n", 1),
        (USERS, 0),
        (f"{USERS};\n", 0),
        (f"{USERS};\n{INSERT}", 0),
        (f"{USERS};\n{INSERT};\nINSERT INTO users VALUES (2);\n", 0),
        (f"{USERS};\nCREATE INDEX users_name ON users (name);\n", 2),
        (f"{USERS};\nUPDATE users SET id = 3;\nSELECT * FROM users -- all of them", 3),
        (f"{USERS};\nCOPY users TO STDOUT;", 3),
    ],
)
async def test_a_migration_takes_two_round_trips(
    postgres_url: str, text: str, messages: int
) -> None:
    """The SQL, with all that must hold before it and all that follows it; COMMIT by itself.

    What cannot share a message with the last statement takes one of its own, and then BEGIN, with
    all that must hold, goes by itself too.
    """
    assert messages + CLOSE + COMMIT == await _trips_of(postgres_url, sql("1", text))


async def test_before_release_13_the_end_goes_by_itself(postgres_url: str) -> None:
    """There a time limit of the file would be for the whole message, and so for the end too."""
    async with Proxy(postgres_url) as proxy, locked(engine_for(proxy.url)) as session:
        assert isinstance(session, PostgresSession)
        session._server = replace(session.server, version=120022)
        step = first_step(History(), sql("1", USERS))
        before = proxy.round_trips
        await session.apply(step, Generation(), Seen().events)
        assert 4 == proxy.round_trips - before


async def test_a_repeatable_migration_that_is_not_new_takes_three(postgres_url: str) -> None:
    """One more when it supersedes a row: the history is compared first."""
    await run(engine_for(postgres_url), repeatable("view", "SELECT 1"))
    async with Proxy(postgres_url) as proxy, locked(engine_for(proxy.url)) as session:
        history = await session.history()
        step = first_step(history, repeatable("view", "SELECT 2"))
        before = proxy.round_trips
        await session.apply(step, history.generation, Seen().events)
        assert 3 == proxy.round_trips - before


async def test_a_python_migration_takes_one_more_and_its_own(postgres_url: str) -> None:
    """BEGIN is the driver's own, so that transaction() nests; here the author asks twice."""
    migration = python("1", "await connection.execute('SELECT 1')\n" * 2)
    assert 4 + 2 == await _trips_of(postgres_url, migration)


async def test_a_setup_hook_costs_one_more(postgres_url: str) -> None:
    """It gets the connection too."""

    async def setup(_connection: object) -> None:
        pass

    assert 4 == await _trips_of(postgres_url, sql("1", USERS), setup=setup)


async def test_settings_of_the_url_cost_nothing(postgres_url: str) -> None:
    """They go along."""
    url = f"{postgres_url}&options=-c%20work_mem%3D9MB"
    assert 2 == await _trips_of(url, sql("1", USERS))


async def test_a_lent_connection_is_looked_at_twice(postgres_url: str) -> None:
    """What the application has set on it is read before, and read and set back afterwards."""
    async with (
        Proxy(postgres_url) as proxy,
        connected(proxy.url) as connection,
        locked(engine_for(connection)) as session,
    ):
        step = first_step(History(), sql("1", USERS))
        before = proxy.round_trips
        await session.apply(step, Generation(), Seen().events)
        assert 3 + 2 == proxy.round_trips - before


@asynccontextmanager
async def _reader(url: str, options: str) -> AsyncGenerator[tuple[Proxy, int]]:
    """Yield a proxy to the server for a role, and the round trips of a visit without a word."""
    async with role(url, "reader", f"LOGIN {options}") as as_reader, Proxy(as_reader) as proxy:
        async with connected(url) as owner:
            await owner.execute("GRANT SELECT, INSERT, UPDATE ON asyncmig_history TO reader")
        async with connected(proxy.url):
            visit = proxy.round_trips
        proxy.round_trips = 0
        yield proxy, visit


@pytest.mark.parametrize(("options", "trips"), [("", 1), ("SUPERUSER", 2)])
async def test_having_nothing_to_do_takes_one_round_trip(
    postgres_url: str, options: str, trips: int
) -> None:
    """The history. A superuser asks before who owns the table."""
    await run(engine_for(postgres_url), sql("1", USERS))
    async with _reader(postgres_url, options) as (proxy, visit):
        async with engine_for(proxy.url).session(RUNNER) as session:
            await session.history()
        assert visit + trips == proxy.round_trips


@pytest.mark.parametrize(("durability", "flush"), [("migration", 0), ("run", 2)])
async def test_a_run_takes_eight_round_trips_and_two_for_each_migration(
    postgres_url: str,
    migration_folder: MigrationFolder,
    durability: str,
    flush: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Glance, look, greet, settle in, lock, rights, look again; at the end give the lock back."""
    monkeypatch.setattr(tally, "_LONGEST_HOLD", 1e9)  # one flush, however slow the machine is
    for n in range(1, 6):
        migration_folder.write(f"{n}_t.sql", f"CREATE TABLE t{n} ();\n")
    await Migrator(postgres_url, migration_folder, observer=None).up(to="1")
    async with _reader(postgres_url, "") as (proxy, visit):
        await do(postgres_url, "GRANT CREATE ON SCHEMA public TO reader")
        await Migrator(proxy.url, migration_folder, durability=durability, observer=None).up()
        assert visit + 8 + 2 * 4 + flush == proxy.round_trips


async def test_a_poll_of_a_waiter_takes_two_round_trips(postgres_url: str) -> None:
    """The history, and the lock."""
    polls: list[int] = []
    async with locked(engine_for(postgres_url)), Proxy(postgres_url) as proxy:

        def is_settled(_history: History) -> bool:
            polls.append(proxy.round_trips)
            return len(polls) > 3

        async with engine_for(proxy.url).session(RIVAL) as rival:
            with pytest.raises(NothingToDo):
                async with rival.lock(wait_for(timeout=None, settled=is_settled)):
                    pytest.fail("the lock was taken")
    assert [2, 2] == [later - earlier for earlier, later in pairwise(polls[1:])]
