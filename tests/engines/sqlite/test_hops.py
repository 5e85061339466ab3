"""How often a step changes between the event loop and the thread of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.engines.sqlite.connection import Worker
from asyncmig.history import Generation, History
from tests.engines.lab import Seen, first_step, locked, python, sql
from tests.engines.sqlite.places import engine_for

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.migration import Migration

SMALL = sql("1", "CREATE TABLE users (id integer); INSERT INTO users VALUES (1);")
IN_PYTHON = python("1", "await connection.execute('CREATE TABLE users (id integer)')")


@pytest.mark.parametrize(("migration", "hops"), [(SMALL, 1), (IN_PYTHON, 2)])
async def test_a_step_hops_no_more_than_it_must(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch, migration: Migration, hops: int
) -> None:
    """SQL goes over once, with its row and its COMMIT: there is one way back for both."""
    counted = list[str]()
    hop = Worker._hop

    async def count(worker: Worker, work: Any, *rest: Any) -> object:  # noqa: ANN401 - any work
        counted.append(work.__name__)
        return await hop(worker, work, *rest)

    async with locked(engine_for(sqlite_path)) as session:
        monkeypatch.setattr(Worker, "_hop", count)
        await session.apply(first_step(History(), migration), Generation(), Seen().events)
        monkeypatch.undo()

    assert hops == len(counted), counted
