"""What is special on SQLite about a script that is too long to be kept."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.sqlite.connection import Worker
from asyncmig.errors import MigrationFailedError
from asyncmig.history import Generation, History
from asyncmig.plan import make_plan
from asyncmig.request import Durability
from asyncmig.sql import Dialect
from tests.engines.lab import LAX, UP, Seen, first_step, history_of, locked, run, sql, together
from tests.engines.long_scripts import TABLE, long, rows
from tests.engines.sqlite.places import FAMILY, REBUILD, engine_for
from tests.engines.sqlite.places import rows as rows_of
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.engines.base import Engine
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


async def test_no_section_is_kept_to_be_rolled_back_alone(sqlite_path: Path) -> None:
    """SQLite would write down what each statement changes: a savepoint is a tenth of the time."""
    tap = Tap()
    with tap.listening():
        await run(engine_for(sqlite_path), seed(TABLE + rows(1, 400)))

    assert [] == [words for words in tap.said if words.startswith("SAVEPOINT")]


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("on_conflict", ["ABORT", "ROLLBACK"])
async def test_a_statement_is_found_among_plain_ones(
    sqlite_path: Path, durability: Durability, on_conflict: str
) -> None:
    """All is run once more, one by one, also when SQLite has rolled back those before it."""
    column = f"id integer PRIMARY KEY ON CONFLICT {on_conflict}"
    bad = f"CREATE TABLE seed ({column}, name text);\n{rows(1, 150)}{rows(3, 3)}{rows(151, 400)}"
    folder = [sql("1", "CREATE TABLE t1 (id integer);"), long(Dialect.SQLITE, bad, version="2")]
    engine = engine_for(sqlite_path, durability=durability)
    with pytest.raises(MigrationFailedError, match="UNIQUE") as caught:
        await _until_done(engine, folder)

    assert ("2", 152) == (caught.value.version, caught.value.line)
    assert [("1", "applied")] == rows_of(sqlite_path, "SELECT version, state FROM asyncmig_history")
    assert [] == rows_of(sqlite_path, "SELECT 1 FROM sqlite_master WHERE name = 'seed'")


async def _until_done(engine: Engine, migrations: list[Migration]) -> None:
    """Apply all, and plan again when some of it is lost, as a run does."""
    async with locked(engine) as session:
        while steps := make_plan(migrations, await session.history(), UP, LAX).steps:
            history = await session.history()
            try:
                for step in steps:
                    entry = await session.apply(step, history.generation, Seen().events)
                    history = history.with_entry(entry, step.edit())
            except HistoryMovedError:
                continue
            finally:
                with suppress(HistoryMovedError):
                    await session.flush()


@pytest.mark.parametrize(("on_conflict", "line"), [("ABORT", 152), ("ROLLBACK", None)])
async def test_a_statement_is_found_in_a_single_transaction(
    sqlite_path: Path, on_conflict: str, line: int | None
) -> None:
    """Where those before it are gone, it cannot be run once more: the file has to do."""
    column = f"id integer PRIMARY KEY ON CONFLICT {on_conflict}"
    bad = f"CREATE TABLE seed ({column}, name text);\n{rows(1, 150)}{rows(3, 3)}{rows(151, 400)}"
    folder = [sql("1", "CREATE TABLE t1 (id integer);"), long(Dialect.SQLITE, bad, version="2")]
    with pytest.raises(MigrationFailedError, match="UNIQUE") as caught:
        await together(engine_for(sqlite_path), *folder)

    assert ("2", line) == (caught.value.version, caught.value.line)
    assert History() == await history_of(engine_for(sqlite_path))
    assert [] == rows_of(sqlite_path, "SELECT 1 FROM sqlite_master WHERE name IN ('t1', 'seed')")


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
