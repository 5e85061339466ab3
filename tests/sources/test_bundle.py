"""Which files make up one migration, and which get in each other's way."""

from __future__ import annotations

import pytest

from asyncmig.errors import DuplicateVersionError, NoMigrationsError, SourceError
from asyncmig.migration import SqlScript
from asyncmig.sources import find_problems, load
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, MemoryFolder, complaints, load_files


def test_versioned_come_by_number_and_repeatables_behind_by_name() -> None:
    """`10` follows `9`, however they are padded and listed."""
    names = ["R__b.sql", "10_x.sql", "R__a.sql", "009_x.sql", "1_x.up.sql", "20260101000000_x.sql"]

    migrations = load_files(dict.fromkeys(names, ""))

    assert ["1", "009", "10", "20260101000000", "R__a", "R__b"] == [m.key for m in migrations]


def test_the_halves_of_a_pair_belong_together_by_version() -> None:
    """Padding and name may differ: the up names the migration, as in golang-migrate."""
    [migration] = load_files({"1_old_name.down.sql": "D", "01_name.up.sql": "U"})

    assert ("01", "name") == (str(migration.version), migration.name)
    assert SqlScript("D", "migrations/1_old_name.down.sql") == migration.down


def test_an_up_without_a_down_is_irreversible() -> None:
    """Half a pair is enough to go up."""
    [migration] = load_files({"1_a.up.sql": "U"})

    assert migration.down is None


@pytest.mark.parametrize(
    ("names", "version", "claims"),
    [
        (["1_a.sql", "1_b.sql"], "1", ["1_a.sql", "1_b.sql"]),
        (["01_a.sql", "1_b.sql", "001_c.sql"], "001", ["001_c.sql", "01_a.sql", "1_b.sql"]),
        (["1_a.sql", "1_a.py"], "1", ["1_a.py", "1_a.sql"]),
        (["1_a.sql", "1_a.up.sql", "1_a.down.sql"], "1", ["1_a.sql", "1_a.up.sql"]),
        (["1_a.up.sql", "1_a.down.sql", "1_b.down.sql"], "1", ["1_a.down.sql", "1_b.down.sql"]),
        (["1_a_up.sql", "1_a_down.sql"], "1", ["1_a_down.sql", "1_a_up.sql"]),
    ],
)
def test_two_files_of_one_version_are_refused(
    names: list[str], version: str, claims: list[str]
) -> None:
    """Versions are compared as numbers, and a pair counts once."""
    paths = [f"migrations/{name}" for name in claims]

    [error] = find_problems(MemoryFolder(dict.fromkeys(names, "")), Dialect.SQLITE)

    assert isinstance(error, DuplicateVersionError)
    assert (version, tuple(paths)) == (error.version, error.paths)
    assert f"version {version} is claimed by {len(paths)} files: {', '.join(paths)}" == str(error)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["7_a.down.sql"],
            Complaint(
                "migrations/7_a.down.sql: the down half of a pair without its up",
                "write 7_a.up.sql too; or say --format golang-migrate, which takes it for one "
                "that has nothing to apply",
            ),
        ),
        (
            ["7_a.sql", "7_a.down.sql"],
            Complaint(
                "migrations/7_a.down.sql: a down half, but 7_a.sql is no up half",
                "rename 7_a.sql to 7_a.up.sql",
            ),
        ),
        (
            ["7_a.py", "7_a.down.sql"],
            Complaint(
                "migrations/7_a.down.sql: a down half, but 7_a.py is no up half",
                "write `async def down(connection):` into 7_a.py instead",
            ),
        ),
    ],
)
def test_a_down_without_its_up_is_refused(names: list[str], expected: Complaint) -> None:
    """Nothing would ever run it."""
    assert [expected] == complaints(dict.fromkeys(names, ""))


def test_everything_that_is_wrong_is_found_in_the_order_of_the_names() -> None:
    """`check` shows it all, and `load` stops at the first: one code path."""
    folder = MemoryFolder(
        {
            "9_nul.sql": "\0",
            "10_fine.sql": "",
            "4_pair.up.sql": "-- migrate:upp x:y",
            "4_pair.down.sql": b"\xff",
            "add.sql": "",
            "2_a.sql": "",
            "2_b.sql": "",
            "1_a.py": "",
        }
    )

    problems = find_problems(folder, Dialect.SQLITE)
    with pytest.raises(SourceError) as caught:
        load(folder, Dialect.SQLITE)

    expected = ["1_a.py", "2_b.sql", "4_pair.down.sql", "4_pair.up.sql", "9_nul.sql", "add.sql"]
    assert [f"migrations/{name}" for name in expected] == [error.file for error in problems]
    assert str(problems[0]) == str(caught.value)


@pytest.mark.parametrize("names", [[], ["README.md", "__init__.py", "_draft.sql", ".keep"]])
def test_a_folder_without_migrations_is_refused(names: list[str]) -> None:
    """A deploy that finds nothing found the wrong folder."""
    with pytest.raises(NoMigrationsError) as caught:
        load(MemoryFolder(dict.fromkeys(names, "")), Dialect.SQLITE)

    assert ("no migrations in migrations", "migrations") == (str(caught.value), caught.value.file)
