"""A start with nothing pending: what is not done then."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import aiosqlite
import pytest

from asyncmig import Migrator, Version, files, history, plan, status
from asyncmig.engines import open_engine
from asyncmig.engines.base import Runner
from asyncmig.engines.settings import EngineSettings
from asyncmig.engines.sqlite import access
from asyncmig.engines.sqlite.connection import open_raw
from asyncmig.errors import ChangedMigrationError, InvalidMigrationError, SourceNotFoundError
from asyncmig.events import RunFinished, RunStarted
from asyncmig.glance import InForce
from asyncmig.report import RunReport
from asyncmig.sources import folder, read_checksums, sql_file
from asyncmig.sql import lexer, statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import ORDERS

T = TypeVar("T")


def forbid_parsing(patch: pytest.MonkeyPatch) -> None:
    """Let everything fail that makes a value of a file, or of a row of the history."""
    patch.setattr(folder, "load", None)
    patch.setattr(sql_file, "read_sql", None)
    patch.setattr(lexer, "marks", None)
    patch.setattr(statements, "split", None)
    patch.setattr(plan, "make_plan", None)
    patch.setattr(status, "classify", None)
    patch.setattr(history, "HistoryEntry", None)


async def test_nothing_is_parsed_when_nothing_is_pending(
    migrator: Migrator, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No marker, no statement, no row of the history; and the report and the events are whole."""
    first = await migrator.up()
    told.clear()
    with monkeypatch.context() as patch:
        forbid_parsing(patch)
        report = await migrator.up()

    expected = RunReport(
        database=first.database,
        run_id=report.run_id,
        direction=first.direction,
        entries=(),
        current=Version("2"),
        pending=0,
        lock_wait_ms=0,
        duration_ms=report.duration_ms,
    )
    assert expected == report
    assert [RunStarted, RunFinished] == [type(event) for event in told]
    assert migrator.ready


async def test_each_file_is_opened_once_when_nothing_is_pending(
    migrator: Migrator, shop: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To be hashed: an edited file is an error at every start."""
    await migrator.up()
    opened: Counter[str] = Counter()
    open_file = os.open

    def counted(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if Path(shop.path, path).parent == shop.path:
            opened[Path(path).name] += 1
        return open_file(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", counted)
    await migrator.up()

    assert Counter(["1_users.sql", "2_orders.sql", "R__totals.sql"]) == opened


async def test_sqlite_is_opened_when_the_files_have_been_read(
    sqlite_url: str, shop: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads at once would take longer, and the event loop would get fewer turns."""
    migrator = Migrator(sqlite_url, shop, observer=None)
    await migrator.up()
    seen: list[str] = []

    def noted(act: Callable[..., T]) -> Callable[..., T]:
        def noting(*given: object) -> T:
            seen.append(f"{act.__name__} begins")
            done = act(*given)
            seen.append(f"{act.__name__} ends")
            return done

        return noting

    monkeypatch.setattr(files, "read_checksums", noted(read_checksums))
    monkeypatch.setattr(access, "open_raw", noted(open_raw))
    await migrator.up()

    reading = [f"read_checksums {what}" for what in ("begins", "ends")]
    assert [*reading, "open_raw begins", "open_raw ends"] == seen


async def test_sqlite_takes_two_hops_to_a_thread(
    sqlite_url: str, shop: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for the files, one for the database; and no thread that aiosqlite would start."""
    migrator = Migrator(sqlite_url, shop, observer=None)
    await migrator.up()
    hops: list[str] = []
    to_thread = asyncio.to_thread

    async def counted(work: Callable[..., T], *given: object) -> T:
        hops.append(work.__name__)
        return await to_thread(work, *given)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    monkeypatch.setattr(aiosqlite, "connect", None)
    await migrator.up()

    assert ["_read_checksums", "_read"] == hops


async def test_a_glance_shows_what_is_in_force(migrator: Migrator, database_url: str) -> None:
    """Of rows of every nature: applied, reverted, gone down, superseded."""
    await migrator.up()
    await migrator.redo()
    async with open_engine(database_url, EngineSettings()).session(Runner.new()) as session:
        applied = [entry for entry in (await session.history()).entries if entry.is_active]
        found = await session.glance()

    checksums = {e.version.number if e.version else e.name: e.checksum for e in applied}
    assert {1, 2, "totals"} == set(checksums)
    assert InForce(checksums, Version("2"), baseline=-1, has_reversal=True) == found


async def test_an_edited_file_is_still_an_error(migrator: Migrator, shop: MigrationFolder) -> None:
    """The short way compares every checksum."""
    await migrator.up()
    shop.write("2_orders.sql", ORDERS.replace("int", "integer"))

    with pytest.raises(ChangedMigrationError, match="2"):
        await migrator.up()


async def test_files_that_are_wrong_are_told_before_the_database_is_reached(
    shop: MigrationFolder, told: list[Event]
) -> None:
    """Nobody waits for a database that is starting when the folder is wrong; nothing is told."""
    shop.write("3_wrong.sql", "-- migrate:up\n-- migrate:up\n")
    unreachable = "postgresql://127.0.0.1:1/shop"
    migrator = Migrator(unreachable, shop, observer=told.append, connect_timeout=60)

    with pytest.raises(InvalidMigrationError, match="a second migrate:up"):
        await migrator.up()
    with pytest.raises(SourceNotFoundError):
        await Migrator(unreachable, "nowhere", observer=told.append).up()
    assert [] == told
