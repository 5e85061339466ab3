"""What is special on SQLite about migrations without a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import IncompleteMigrationError, MigrationFailedError
from tests.engines.lab import run, sql
from tests.engines.sqlite.places import FAMILY, REBUILD, engine_for, keys_on, rows

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.engines.base import Engine


async def test_the_journal_mode_can_be_changed_by_a_file(engine: Engine, sqlite_path: Path) -> None:
    """With `transaction:false`, and nobody of us is in the way."""
    mode = sql("1", "PRAGMA journal_mode = DELETE;", transaction=False)
    await run(engine, mode)
    assert [("delete",)] == rows(sqlite_path, "PRAGMA journal_mode")


async def test_session_state_is_repeated_for_the_rest(engine: Engine, sqlite_path: Path) -> None:
    """An attached database is there again when the file is gone on with."""
    other = sqlite_path.with_name("other.db")
    start = f"ATTACH '{other}' AS other;\nCREATE TABLE other.things (id);\n"
    with pytest.raises(MigrationFailedError):
        await run(engine, sql("1", f"{start}NONSENSE;", transaction=False))
    rest = "INSERT INTO other.things VALUES (1);\nDETACH other;"
    await run(engine, sql("1", start + rest, transaction=False))
    assert [(1,)] == rows(other, "SELECT id FROM things")


async def test_a_lost_temporary_table_is_for_a_person(engine: Engine) -> None:
    """The rest of the file may need it, and it is gone."""
    start = "CREATE TEMP TABLE scratch (id);\n"
    with pytest.raises(MigrationFailedError):
        await run(engine, sql("1", f"{start}NONSENSE;", transaction=False))
    with pytest.raises(IncompleteMigrationError, match="something temporary"):
        await run(engine, sql("1", f"{start}SELECT 1;", transaction=False))


async def test_keys_are_off_for_a_whole_file_without_a_transaction(sqlite_path: Path) -> None:
    """By the marker, or by a pragma of its own."""
    engine = engine_for(sqlite_path, setup=keys_on)
    pragma = sql("2", f"PRAGMA foreign_keys = OFF;\n{REBUILD}", transaction=False)
    marker = sql("3", REBUILD, transaction=False, foreign_keys=False)
    await run(engine, FAMILY, pragma, marker)
    assert [(10, 1)] == rows(sqlite_path, "SELECT * FROM children")
