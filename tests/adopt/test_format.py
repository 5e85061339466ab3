"""Whose a folder is that two tools would read differently: what the database knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from asyncmig import Migrator
from asyncmig.errors import AmbiguousFormatError, ForeignHistoryError
from tests.adopt.tables import FLYWAY, REFINERY, run_sql

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"V1__a.sql": "CREATE TABLE a (id integer);\n", "U2__b.sql": "DROP TABLE a;\n"}
"""Flyway never runs ``U2``, which undoes nothing; refinery applies it after ``V1``."""

BY_FLYWAY = (
    "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, "
    "installed_by, execution_time, success) "
    "VALUES (1, '1', 'a', 'SQL', 'V1__a.sql', 'app', 1, true)"
)
BY_REFINERY = (
    "INSERT INTO refinery_schema_history (version, name, applied_on) "
    "VALUES (1, 'a', '2024-01-02T10:00:00Z')"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that means one thing to Flyway and another to refinery."""
    found = tmp_path / "migrations"
    found.mkdir()
    for name, text in FILES.items():
        (found / name).write_text(text)
    return found


async def _states(migrator: Migrator) -> dict[str, str]:
    status = await migrator.status()
    return {one.key: one.state.value for one in status.migrations}


async def test_without_a_history_an_error_names_both(database_url: str, folder: Path) -> None:
    """Nobody guesses."""
    with pytest.raises(AmbiguousFormatError) as caught:
        await Migrator(database_url, folder, observer=None).up()

    assert ("flyway", "refinery") == caught.value.formats


async def test_a_history_of_one_tool_decides(database_url: str, folder: Path) -> None:
    """All that looks and all that writes reads the files as that tool does."""
    await run_sql(database_url, "CREATE TABLE a (id integer)")
    await run_sql(database_url, REFINERY.sqlite)
    await run_sql(database_url, BY_REFINERY)
    migrator = Migrator(database_url, folder, observer=None)
    with pytest.raises(ForeignHistoryError, match="history of refinery"):
        await migrator.up()
    report = await migrator.adopt()
    planned = await migrator.plan()

    assert ["1"] == [entry.key for entry in report.entries]
    assert ["2"] == [step.key for step in planned.steps]
    assert {"1": "applied", "2": "pending"} == await _states(migrator)


async def test_what_was_adopted_decides_when_the_other_table_is_gone(
    database_url: str, folder: Path
) -> None:
    """And when a neighbour has left one there that says otherwise."""
    await run_sql(database_url, FLYWAY.sqlite)
    await run_sql(database_url, BY_FLYWAY)
    migrator = Migrator(database_url, folder, observer=None)
    await migrator.adopt()
    await run_sql(database_url, "DROP TABLE flyway_schema_history")
    await run_sql(database_url, REFINERY.sqlite)
    await run_sql(database_url, BY_REFINERY)

    assert 0 == (await migrator.up()).pending
    assert {"1": "applied"} == await _states(migrator)


async def test_histories_of_both_tools_decide_nothing(database_url: str, folder: Path) -> None:
    """A person has to say it."""
    for script in (FLYWAY.sqlite, BY_FLYWAY, REFINERY.sqlite, BY_REFINERY):
        await run_sql(database_url, script)
    with pytest.raises(AmbiguousFormatError):
        await Migrator(database_url, folder, observer=None).status()

    chosen = Migrator(database_url, folder, format="flyway", observer=None)
    assert {"1": "pending"} == await _states(chosen)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_pool_of_one_connection_is_enough(database_url: str, folder: Path) -> None:
    """The database is asked when the first visit is over."""
    for script in (REFINERY.postgres, BY_REFINERY):
        await run_sql(database_url, script)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        report = await Migrator(pool, folder, observer=None).adopt()

    assert "refinery" == report.tool
