"""The database that the tests of SQLite are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engines.sqlite.places import engine_for

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.engines.base import Engine


@pytest.fixture
def engine(sqlite_path: Path) -> Engine:
    """Return an engine for a file that does not exist yet."""
    return engine_for(sqlite_path)
