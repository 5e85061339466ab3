"""What is special on SQLite about a script that is too long to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.engines.sqlite.connection import Worker
from asyncmig.errors import MigrationFailedError
from asyncmig.history import Generation, History
from asyncmig.sql import Dialect
from tests.engines.lab import Seen, first_step, history_of, locked, run
from tests.engines.long_scripts import TABLE, long, rows
from tests.engines.sqlite.places import FAMILY, REBUILD, engine_for
from tests.engines.sqlite.places import rows as rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.migration import Migration


def seed(text: str) -> Migration:
    """Return a migration that was loaded from a long file."""
    return long(Dialect.SQLITE, text)


async def test_it_goes_over_in_one_hop(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its row and the COMMIT, as a short one does."""
    counted = list[str]()
    hop = Worker._hop

    async def count(worker: Worker, work: Any, *rest: Any) -> object:  # noqa: ANN401 - any work
        counted.append(work.__name__)
        return await hop(worker, work, *rest)

    async with locked(engine_for(sqlite_path)) as session:
        step = first_step(History(), seed(TABLE + rows(1, 400)))
        monkeypatch.setattr(Worker, "_hop", count)
        await session.apply(step, Generation(), Seen().events)
        monkeypatch.undo()

    assert ["_work_to"] == counted


async def test_a_conflict_that_rolls_everything_back_is_found_nearby(sqlite_path: Path) -> None:
    """Nothing can be tried again then, so the error names where its section begins."""
    unique = "CREATE TABLE seed (id integer PRIMARY KEY ON CONFLICT ROLLBACK, name text);\n"
    engine = engine_for(sqlite_path)
    with pytest.raises(MigrationFailedError, match="or in one of the next") as caught:
        await run(engine, seed(f"{unique}{rows(1, 150)}{rows(3, 3)}{rows(151, 400)}"))

    assert caught.value.line is not None
    assert 100 < caught.value.line <= 152
    assert History() == await history_of(engine)


async def test_a_full_disk_leaves_nothing(sqlite_path: Path) -> None:
    """Whether SQLite has rolled back by itself or not, and the next run may have more room."""

    async def give_little_room(connection: Any) -> None:  # noqa: ANN401 - aiosqlite's
        await (await connection.execute("PRAGMA max_page_count = 20")).close()

    migration = seed(f"{TABLE}{rows(1, 9000)}")
    with pytest.raises(MigrationFailedError, match="full") as caught:
        await run(engine_for(sqlite_path, setup=give_little_room), migration)
    assert caught.value.line is not None

    await run(engine_for(sqlite_path), migration)
    assert [(9000,)] == rows_of(sqlite_path, "SELECT count(*) FROM seed")


async def test_foreign_keys_that_the_file_turns_off_are_off(sqlite_path: Path) -> None:
    """The pragma works in front of BEGIN alone, so it is taken out of the file."""
    engine = engine_for(sqlite_path)
    script = f"PRAGMA foreign_keys = OFF;\n{REBUILD}\n{TABLE}{rows(1, 400)}PRAGMA foreign_keys = 1;"
    await run(engine, FAMILY)
    family = long(Dialect.SQLITE, script, version="2")
    await run(engine, FAMILY, family)

    assert [(10, 1)] == rows_of(sqlite_path, "SELECT * FROM children")
    assert [(400,)] == rows_of(sqlite_path, "SELECT count(*) FROM seed")
