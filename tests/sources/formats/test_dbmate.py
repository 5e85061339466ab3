"""dbmate's files, where they are not as ours."""

from __future__ import annotations

import pytest

from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

DBMATE = Reading("dbmate")
TEXT = "-- migrate:up\nA;\n-- migrate:down\nB;\n"


@pytest.mark.parametrize(
    ("file_name", "version", "name"),
    [
        ("20240313101530_name.sql", "20240313101530", "name"),
        ("001-name.sql", "001", "name"),
        ("001name.up.sql", "001", "name.up"),
        ("001.sql", "001", "001"),
    ],
)
def test_a_name_begins_with_digits(file_name: str, version: str, name: str) -> None:
    """Whatever follows is a name, so there are no pairs."""
    [migration] = load_files({file_name: TEXT}, reading=DBMATE)

    assert (version, name) == (migration.key, migration.name)
    assert ("A;\n", "B;\n") == (text_of(migration.up), text_of(migration.down))


def test_other_names_are_nothing_to_dbmate() -> None:
    """A repeatable of ours is none either."""
    files = {"1_a.sql": TEXT, "seed.sql": "S;", "R__b.sql": "R;", "2_c.py": ""}

    assert ["1"] == [migration.key for migration in load_files(files, reading=DBMATE)]


def test_names_are_ordered_as_text() -> None:
    """The underscore behind a date comes behind the digits of a time of that day."""
    names = ["20240313101530_a", "20240314-b", "20240314101530_c", "20240314_d", "20240315101530_e"]
    files = {f"{name}.sql": TEXT for name in reversed(names)}

    found = [migration.name for migration in load_files(files, reading=DBMATE)]

    assert sorted(names) == names
    assert ["a", "b", "c", "d", "e"] == found


def test_numbers_that_are_ordered_otherwise_as_text_are_refused() -> None:
    """Dbmate runs 10 in front of 9."""
    assert [
        Complaint(
            "migrations/9_a.sql: version 9 comes behind 10 by the rules of dbmate "
            "(migrations/10_b.sql), and in front of it as a number",
            "versions are compared as numbers here: rename one of the two",
        )
    ] == complaints({"9_a.sql": TEXT, "10_b.sql": TEXT}, reading=DBMATE)


def test_several_pairs_in_one_file_are_refused() -> None:
    """Dbmate runs the first and says that it ran them all."""
    [found] = complaints({"1_a.sql": TEXT + TEXT}, reading=DBMATE)

    assert "migrations/1_a.sql:5:1: a second migrate:up (the first is on line 1)" == found.message
