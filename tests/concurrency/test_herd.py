"""Many runners at once on an empty database: each migration once, and nobody fails."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig.events import MigrationStarted
from tests.concurrency.evidence import everything_once, evidence
from tests.concurrency.folders import herd_folder
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Form, Order, applied, start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

RUNNERS = 8


@asynccontextmanager
async def opened_when_waiting(gate: Path, journal: Journal, waiters: int) -> AsyncGenerator[None]:
    """Open the gate of the holder as soon as all others have said that they wait."""

    async def open_it() -> None:
        await journal.until_waiting(waiters)
        await anyio.Path(gate).touch()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_it)
        yield


@pytest.mark.parametrize("form", Form)
async def test_a_herd_applies_everything_once(
    form: Form, database_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """One does the work; the others say for whom they wait and since when, and succeed."""
    gate, journal = tmp_path / "gate", Journal()
    keys = herd_folder(migration_folder, database_url, gate=gate)
    began = datetime.now(UTC)

    async with opened_when_waiting(gate, journal, RUNNERS - 1):
        ended = await start(form, [Order(database_url, migration_folder)] * RUNNERS, journal)

    assert everything_once(keys) == await evidence(database_url)
    assert [(0, "")] * RUNNERS == [(end.exit_code, end.error) for end in ended]
    assert Counter(keys) == applied(ended)
    assert dict.fromkeys(keys, 1) == {key: journal.tries(key) for key in keys}
    assert {"asyncmig/"} == {note.holder[:9] for note in journal.waits}
    until = datetime.now(UTC)
    assert {True} == {note.since and began <= note.since <= until for note in journal.waits}


async def test_a_herd_races_for_each_migration(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Nobody holds anybody back: the data, the history and the reports agree all the same."""
    journal = Journal()
    keys = herd_folder(migration_folder, database_url)
    orders = [Order(database_url, migration_folder)] * RUNNERS

    ended = await start(Form.PROCESSES, orders, journal)

    assert everything_once(keys) == await evidence(database_url)
    assert [(0, "")] * RUNNERS == [(end.exit_code, end.error) for end in ended]
    assert (Counter(keys), len(keys)) == (applied(ended), len(journal.of(MigrationStarted)))
