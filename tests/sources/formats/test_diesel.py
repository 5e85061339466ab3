"""diesel's folders: their names, their halves, and what stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources import load
from asyncmig.sources.formats.diesel import diesel_version
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

if TYPE_CHECKING:
    from pathlib import Path

RENAME = "here a version is a number: rename it"


def keys(*folders: str) -> list[str]:
    """Return the versions of migrations in those folders, in their order."""
    files = {f"{folder}/up.sql": "A;\n" for folder in folders}
    return [migration.key for migration in load_files(files)]


def test_a_folder_is_a_migration_with_its_two_halves() -> None:
    """The dashes of a time stamp are no part of the version."""
    files = {
        "2019-02-26-002946_create_user/up.sql": "A;\n",
        "2019-02-26-002946_create_user/down.sql": "B;\n",
    }

    [migration] = load_files(files)

    folder = "migrations/2019-02-26-002946_create_user"
    assert ("20190226002946", "create_user") == (migration.key, migration.name)
    assert SqlScript("A;\n", f"{folder}/up.sql") == migration.up
    assert SqlScript("B;\n", f"{folder}/down.sql") == migration.down


def test_a_migration_may_have_no_way_down() -> None:
    """Diesel says so only when somebody wants to go down."""
    [migration] = load_files({"00000000000000_diesel_initial_setup/up.sql": "A;\n"})

    assert None is migration.down


@pytest.mark.parametrize(
    "folders",
    [
        ["2024-03-06-170000_a", "2024-03-13_170000_b", "2024-03-14-090000_c"],
        ["2025-12-29-110242-0000_a", "2026-01-20-162913_b", "2026-01-20-162913-0000_c"],
        ["00000000000000_a", "20151219180527_b", "2016-01-07-082941_c"],
    ],
)
def test_versions_are_ordered_as_diesel_does_which_is_as_text(folders: list[str]) -> None:
    """A date without a time, and a stamp with a sequence behind it, stay where they were."""
    assert [str(diesel_version(folder)) for folder in folders] == keys(*reversed(folders))


def test_a_sequence_is_a_number_of_its_own() -> None:
    """With a one in front, so that 0000 is more than nothing."""
    assert ["20260527120000", "20260527120000.10000"] == keys(
        "2026-05-27-120000-0000_b", "2026-05-27-120000_a"
    )


def test_numbers_that_are_ordered_otherwise_as_text_are_refused() -> None:
    """Diesel runs 10 in front of 9, and here 9 comes first."""
    files = {"9_a/up.sql": "A;\n", "10_b/up.sql": "B;\n"}

    assert [
        Complaint(
            "migrations/9_a/up.sql: version 9 comes behind 10 by the rules of diesel "
            "(migrations/10_b/up.sql), and in front of it as a number",
            "versions are compared as numbers here: rename one of the two",
        )
    ] == complaints(files)


@pytest.mark.parametrize(
    ("metadata", "transaction"),
    [
        ("run_in_transaction = false\n", False),
        ("run_in_transaction = true\n", True),
        ("# as it was\n", True),
    ],
)
def test_the_metadata_can_do_without_a_transaction(metadata: str, *, transaction: bool) -> None:
    """For both directions; a file that does not say so leaves it at the default."""
    files = {"1_a/up.sql": "A;\n", "1_a/down.sql": "B;\n", "1_a/metadata.toml": metadata}

    [migration] = load_files(files)

    assert migration.down is not None
    assert [transaction] * 2 == [migration.up.transaction, migration.down.transaction]


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ("run_in_transaction = 'no'\n", "run_in_transaction is true or false"),
        ("run_in_transaction =\n", "this is not TOML: Invalid value (at line 1, column 21)"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused(metadata: str, sentence: str) -> None:
    """Diesel would not look at it, and run the migration in a transaction."""
    files = {"1_a/up.sql": "A;\n", "1_a/metadata.toml": metadata}

    assert [Complaint(f"migrations/1_a/metadata.toml: {sentence}")] == complaints(files)


def test_what_is_no_migration_is_passed_over() -> None:
    """Files beside the folders, hidden folders, empty ones."""
    files = {"1_a/up.sql": "A;\n", "README.md": "", ".hidden/up.sql": "B;\n", "schema.sql": "S;"}

    assert ["1"] == [migration.key for migration in load_files(files)]


def test_an_empty_folder_is_none(tmp_path: Path) -> None:
    """A branch left it, whose files git took away."""
    (tmp_path / "1_a").mkdir()
    (tmp_path / "2_b").mkdir()
    (tmp_path / "2_b" / "up.sql").write_text("B;\n")

    assert ["2"] == [migration.key for migration in load(tmp_path, Dialect.SQLITE)]


@pytest.mark.parametrize(
    ("path", "sentence", "hint"),
    [
        ("1_a/down.sql", "1_a: there is no up.sql in it", "write one, or take the folder away"),
        ("first_a/up.sql", "first_a: its name does not begin with a number", RENAME),
    ],
)
def test_a_folder_that_cannot_be_one_is_refused(path: str, sentence: str, hint: str) -> None:
    """Diesel refuses the one, and takes any text for a version in the other."""
    assert [Complaint(f"migrations/{sentence}", hint)] == complaints(
        {path: "A;\n"}, reading=Reading("diesel")
    )


def test_what_cannot_run_in_a_transaction_runs_without_one() -> None:
    """Alone in its file, though nothing says so."""
    [migration] = load_files({"1_a/up.sql": "CREATE INDEX CONCURRENTLY i ON t (c);\n"})

    assert not migration.up.transaction


def test_two_folders_of_one_version_are_refused() -> None:
    """The history of diesel could not tell them apart."""
    [found] = complaints({"1_a/up.sql": "A;\n", "1_b/up.sql": "B;\n"})

    assert "version 1" in found.message


def test_the_text_of_a_half_is_all_of_its_file() -> None:
    """There is nothing in it that diesel reads."""
    [migration] = load_files({"1_a/up.sql": "-- migrate:down\nA;"})

    assert "-- migrate:down\nA;" == text_of(migration.up)
