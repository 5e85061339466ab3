"""The database that the tests of SQLite are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.engines.sqlite.connection import Worker
from tests.engines.sqlite.places import engine_for

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.engines.base import Engine


@pytest.fixture
def engine(sqlite_path: Path) -> Engine:
    """Return an engine for a file that does not exist yet."""
    return engine_for(sqlite_path)


@pytest.fixture(name="hops")
def _hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of what is done in the thread of a connection, one for each hop."""
    counted = list[str]()
    hop = Worker._hop

    async def count(worker: Worker, work: Any, *rest: Any) -> object:  # noqa: ANN401 - any work
        counted.append(work.__name__)
        return await hop(worker, work, *rest)

    monkeypatch.setattr(Worker, "_hop", count)
    return counted
