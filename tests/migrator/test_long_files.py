"""Seed files of many megabytes: applied as any other file, in little memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator
from asyncmig.errors import ChangedMigrationError, InvalidMigrationError
from asyncmig.sources import folder
from asyncmig.sources.location import LONG

if TYPE_CHECKING:
    from tests.migration_folder import MigrationFolder

TABLE = "CREATE TABLE seed (id integer, name text);\n"
ROW = f"INSERT INTO seed VALUES (1, '{'somebody or other ' * 30}');\n"
SEED = TABLE + ROW * (LONG // len(ROW) + 1)


@pytest.fixture
def long_migrator(database_url: str, migration_folder: MigrationFolder) -> Migrator:
    """Return a migrator of a folder with one long file."""
    migration_folder.write("1_seed.sql", f"-- migrate:up\n{SEED}-- migrate:down\nDROP TABLE seed;")
    return Migrator(database_url, migration_folder)


async def test_it_goes_up_and_down_and_up_again(long_migrator: Migrator) -> None:
    """The way down is short, and is found behind it all."""
    assert [1, 1, 1] == [
        len((await long_migrator.up()).entries),
        len((await long_migrator.down()).entries),
        len((await long_migrator.up()).entries),
    ]


async def test_nothing_is_parsed_once_it_is_applied(
    long_migrator: Migrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A glance shows that it is what was applied."""
    await long_migrator.up()
    monkeypatch.setattr(folder, "load", None)

    assert () == (await long_migrator.up()).entries


async def test_a_change_in_the_middle_is_a_change(
    long_migrator: Migrator, migration_folder: MigrationFolder
) -> None:
    """As in any other file."""
    await long_migrator.up()
    half = len(SEED) // 2
    migration_folder.write("1_seed.sql", f"-- migrate:up\n{SEED[:half]};{SEED[half:]}")

    with pytest.raises(ChangedMigrationError):
        await long_migrator.up()


async def test_it_is_looked_through_before_anything_runs(
    long_migrator: Migrator, migration_folder: MigrationFolder
) -> None:
    """A COMMIT in its middle is refused before the file in front of it runs."""
    migration_folder.write("0_first.sql", "CREATE TABLE first (id integer);")
    migration_folder.write("1_seed.sql", f"{SEED}COMMIT;\n{ROW}")

    with pytest.raises(InvalidMigrationError, match="COMMIT in the middle") as caught:
        await long_migrator.up()
    assert (SEED.count("\n") + 1, 1) == (caught.value.line, caught.value.column)
    assert not (await long_migrator.history())


async def test_its_memory_does_not_grow_with_it(
    long_migrator: Migrator, migration_folder: MigrationFolder
) -> None:
    """Six megabytes take less than four, from the first look to the last statement."""
    migration_folder.write("1_seed.sql", SEED + ROW * (5 * LONG // len(ROW)))
    await long_migrator.status()  # what is imported on the way is not counted
    tracemalloc.start()
    try:
        await long_migrator.up()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * LONG
