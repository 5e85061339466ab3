"""A run that is cancelled at its k-th await, for every k: nothing half done, nothing left."""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import Migrator
from asyncmig.events import MigrationApplied
from asyncmig.history import RowState
from asyncmig.request import Durability
from tests.cancellation.stepping import by_scope, by_task, by_task_again_and_again, by_timeout
from tests.database import TABLES, ask
from tests.engines.postgres.ground import LOCKS, OURS, connected, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

    Cancel = Callable[..., Awaitable[bool]]
    Look = Callable[[str], Awaitable[list[tuple[Any, ...]]]]

FORMS = [by_task, by_scope, by_task_again_and_again, by_timeout]
TURNS = pytest.mark.parametrize(("turn", "cancel"), list(enumerate(FORMS)))
"""The forms take turns, so that together they cancel at every await once."""

PROMISED = 5.0  # seconds
IN_TRANSACTION = "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\n"
IN_PYTHON = """\
async def up(connection):
    await connection.execute("CREATE TABLE names (id integer)")
    await connection.execute("INSERT INTO names VALUES (1)")
"""
OUTSIDE = "-- migrate:up transaction:false\nCREATE INDEX {} users_id ON users (id);\n{};\n"
MADE = {"001": "users", "002": "names"}
COUNTS = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM names)"
SWEPT = "DROP TABLE IF EXISTS users, names, asyncmig_history"


@pytest.fixture(autouse=True)
def _migrations(migration_folder: MigrationFolder, request: pytest.FixtureRequest) -> None:
    is_postgres = "postgres_url" in request.fixturenames
    words = ("CONCURRENTLY", "ANALYZE users") if is_postgres else ("", "VACUUM")
    migration_folder.write("001_users.sql", IN_TRANSACTION)
    migration_folder.write("002_names.py", IN_PYTHON)
    migration_folder.write("003_index.sql", OUTSIDE.format(*words))


async def cancelled_run(
    url: str,
    source: MigrationFolder,
    look: Look,
    cancel: Cancel,
    at: int,
    *,
    durability: Durability = Durability.MIGRATION,
    single: bool = False,
) -> bool:
    """Cancel a run at its `at`-th await, look at what it left, and run again to the end.

    Returns:
        Whether the run was still at work; where it was not, there is no further await.
    """
    events: list[Event] = []
    migrator = Migrator(url, source, observer=events.append, busy_timeout=1, durability=durability)
    began = time.monotonic()
    was_cancelled = await cancel(migrator.up(single_transaction=single), at=at)
    assert time.monotonic() - began < PROMISED, at

    if url.startswith("postgresql"):
        await until(lambda: _is_quiet(look), PROMISED)
    told = [event.version for event in events if isinstance(event, MigrationApplied)]
    history = await migrator.history()
    applied = [entry.key for entry in history if entry.state is RowState.APPLIED]
    tables = {name for (name,) in await look(TABLES[url.partition(":")[0]])}
    made = [key for key, table in MADE.items() if table in tables]
    assert (applied, [key for key in applied if key in MADE]) == (told, made), at
    assert not single or applied in ([], [*MADE]), at

    await migrator.up()
    assert [(1, 1)] == await look(COUNTS), at
    return was_cancelled


async def _is_quiet(look: Look) -> bool:
    """Tell whether no session of ours, and no lock, is left."""
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}"
    return [(0, 0)] == await look(f"SELECT ({sessions}), ({LOCKS})")


@TURNS
async def test_a_sqlite_run_can_be_cancelled_at_every_await(
    tmp_path: Path, migration_folder: MigrationFolder, turn: int, cancel: Cancel
) -> None:
    """It is rolled back, the lock is free, and what was committed is told."""
    for at in itertools.count(1 + turn, len(FORMS)):
        url = f"sqlite:///{tmp_path}/{at}.db"
        if not await cancelled_run(url, migration_folder, partial(ask, url), cancel, at):
            break
        left = {path.name for path in tmp_path.glob(f"{at}.db*")}  # noqa: ASYNC240 - a look
        assert {f"{at}.db"} == left, at
    assert at > 20


@TURNS
async def test_a_sqlite_run_in_batches_can_be_cancelled_at_every_await(
    tmp_path: Path, migration_folder: MigrationFolder, turn: int, cancel: Cancel
) -> None:
    """What was told is there, and what was not told is not."""
    for number in (4, 5, 6):
        migration_folder.write(f"00{number}_more.sql", f"CREATE TABLE more_{number} (id integer);")
    for at in itertools.count(1 + turn, len(FORMS)):
        url = f"sqlite:///{tmp_path}/{at}.db"
        look = partial(ask, url)
        if not await cancelled_run(
            url, migration_folder, look, cancel, at, durability=Durability.RUN
        ):
            break
    assert at > 20


@pytest.mark.parametrize("durability", Durability)
@TURNS
async def test_a_postgresql_run_can_be_cancelled_at_every_await(
    postgres_url: str,
    migration_folder: MigrationFolder,
    turn: int,
    cancel: Cancel,
    durability: Durability,
) -> None:
    """The session ends, its lock is free, and what was committed is told."""
    async with connected(postgres_url, statement_cache_size=0) as connection:

        async def look(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query)]

        for at in itertools.count(1 + turn, len(FORMS)):
            await look(SWEPT)
            if not await cancelled_run(
                postgres_url, migration_folder, look, cancel, at, durability=durability
            ):
                break
    assert at > 60


@TURNS
async def test_a_single_transaction_can_be_cancelled_at_every_await(
    database_url: str,
    migration_folder: MigrationFolder,
    tmp_path: Path,
    turn: int,
    cancel: Cancel,
) -> None:
    """Of all that it was to do there is nothing, or everything, and that is what is told."""
    migration_folder.remove("003_index.sql")
    is_sqlite = database_url.startswith("sqlite")
    for at in itertools.count(1 + turn, len(FORMS)):
        url = f"sqlite:///{tmp_path}/{at}.db" if is_sqlite else database_url
        look = partial(ask, url)
        if not is_sqlite:
            await look(SWEPT)
        if not await cancelled_run(url, migration_folder, look, cancel, at, single=True):
            break
    assert at > 20
