"""Whose histories are in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.adopt.finding import find_histories, not_adopted
from asyncmig.engines import open_engine
from asyncmig.engines.settings import EngineSettings
from tests.adopt.tables import (
    DBMATE,
    GOLANG_MIGRATE,
    GOOSE,
    RAILS,
    make_tables,
)
from tests.engines.lab import RUNNER

if TYPE_CHECKING:
    from tests.adopt.tables import Made


async def _found(database_url: str, settings: EngineSettings | None = None) -> list[str]:
    engine = open_engine(database_url, settings or EngineSettings())
    async with engine.session(RUNNER) as session:
        return [found.table.tool.name for found in await find_histories(session)]


async def test_an_empty_database_has_no_history_of_anybody(database_url: str) -> None:
    """Nothing is found, and no file is made."""
    assert [] == await _found(database_url)


@pytest.mark.parametrize("made", [DBMATE, RAILS, GOLANG_MIGRATE, GOOSE], ids=lambda made: made.tool)
async def test_a_table_is_recognised_by_its_columns(database_url: str, made: Made) -> None:
    """Three tools call theirs ``schema_migrations``."""
    await make_tables(database_url, made)

    assert [made.tool] == await _found(database_url)


async def test_a_table_that_says_nothing_is_no_history(database_url: str) -> None:
    """Goose writes a first row when it makes its table."""
    await make_tables(
        database_url,
        GOOSE,
        "DELETE FROM goose_db_version WHERE version_id > 0",
    )

    assert [] == await _found(database_url)


async def test_histories_of_two_tools_are_both_named(database_url: str) -> None:
    """The sentence names each with its table, and the command that takes one over."""
    await make_tables(database_url, DBMATE)
    await make_tables(database_url, GOOSE)
    engine = open_engine(database_url, EngineSettings())
    async with engine.session(RUNNER) as session:
        error = not_adopted(await find_histories(session))

    assert "dbmate (" in error.message
    assert "goose (" in error.message
    assert "asyncmig adopt" in error.hint


async def test_what_is_in_other_schemas_is_not_ours(postgres_url: str) -> None:
    """Hosted databases have such tables of their own: Supabase's ``auth.schema_migrations``."""
    await make_tables(
        postgres_url,
        DBMATE,
        "CREATE SCHEMA auth; ALTER TABLE schema_migrations SET SCHEMA auth",
    )
    on_path = EngineSettings(search_path="auth, public")
    found = await _found(postgres_url), await _found(postgres_url, on_path)

    assert ([], ["dbmate"]) == found


async def test_a_view_and_a_type_of_somebody_are_not_read(postgres_url: str) -> None:
    """A superuser would run what its owner has put into it."""
    await make_tables(
        postgres_url,
        DBMATE,
        "ALTER TABLE schema_migrations RENAME TO hidden; "
        "CREATE VIEW schema_migrations AS SELECT * FROM hidden; "
        "CREATE TYPE trap AS (inner_text text); "
        "CREATE TABLE goose_db_version (id int, version_id trap, is_applied bool, tstamp date)",
    )

    assert [] == await _found(postgres_url)
