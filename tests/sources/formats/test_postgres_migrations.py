"""The files of postgres-migrations: their names, and their one comment."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

HERS = Reading("postgres-migrations")
MARK = "-- postgres-migrations disable-transaction"


@pytest.mark.parametrize(
    ("file_name", "version", "name"),
    [
        ("1_name.sql", "1", "name"),
        ("001-name.sql", "001", "name"),
        ("1name.SQL", "1", "name"),
        ("1.sql", "1", "1"),
    ],
)
def test_a_number_in_front_is_the_version(file_name: str, version: str, name: str) -> None:
    """With a dash behind it, an underscore, or neither; the whole file is the way up."""
    [migration] = load_files({file_name: "A;\n"}, reading=HERS)

    assert (version, name, None) == (migration.key, migration.name, migration.down)
    assert SqlScript("A;\n", f"migrations/{file_name}") == migration.up


def test_a_file_may_do_without_a_transaction() -> None:
    """It counts wherever it stands."""
    files = {"1_a.sql": f"{MARK}\nA;\n", "2-b.sql": f"B;\n{MARK}", "3-c.sql": "C;\n"}

    assert [False, False, True] == [migration.up.transaction for migration in load_files(files)]


@pytest.mark.parametrize(
    ("file_name", "sentence", "hint"),
    [
        (
            "2_b.js",
            "a migration in JavaScript, which cannot be run here",
            "write what it generates into a file of the same number in SQL",
        ),
        (
            "seed.sql",
            "its name does not begin with a number",
            "postgres-migrations stops at such a file: number it, or take it away",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(file_name: str, sentence: str, hint: str) -> None:
    """Other files are nothing to it."""
    files = {"1_a.sql": "A;\n", file_name: "", "README.md": ""}

    assert [Complaint(f"migrations/{file_name}: {sentence}", hint)] == complaints(
        files, reading=HERS
    )
