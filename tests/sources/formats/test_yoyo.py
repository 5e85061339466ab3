"""yoyo's SQL files: their names, their directives, and the files for the way back."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

YOYO = Reading("yoyo")
RENAME = "here a version is a number: rename it"


def test_the_way_back_is_in_a_file_of_its_own() -> None:
    """Its statements run in the order in which they stand."""
    files = {"0001.create-foo.sql": "A;\n", "0001.create-foo.rollback.sql": "B;\nC;\n"}

    [migration] = load_files(files)

    assert ("0001", "create-foo") == (migration.key, migration.name)
    assert SqlScript("A;\n", "migrations/0001.create-foo.sql") == migration.up
    assert SqlScript("B;\nC;\n", "migrations/0001.create-foo.rollback.sql") == migration.down


def test_names_of_yoyo_new_have_two_numbers() -> None:
    """The date, and which of that day it is; five letters are there by chance."""
    files = {"20230101_02_zzAb1-b.sql": "B;\n", "20230101_01_XXXXX-a.sql": "A;\n"}

    found = [(migration.key, migration.name) for migration in load_files(files)]

    assert [("20230101.01", "XXXXX-a"), ("20230101.02", "zzAb1-b")] == found


def test_a_directive_does_without_a_transaction_in_both_directions() -> None:
    """In the comments in front of the first statement, of the file that applies."""
    files = {
        "1_a.sql": "-- A\n\n  -- transactional: False\nA;\n",
        "1_a.rollback.sql": "B;\n",
        "2_b.sql": "A;\n-- transactional: false\n",
        "2_b.rollback.sql": "-- transactional: false\nB;\n",
    }

    found = [(m.up.transaction, m.down and m.down.transaction) for m in load_files(files)]

    assert [(False, False), (True, True)] == found


def test_what_depends_on_something_comes_behind_it() -> None:
    """By name 10 comes in front of 9, and what is said goes before."""
    files = {"10.b.sql": "-- depends: 9.a\nB;\n", "9.a.sql": "-- depends:\nA;\n"}

    assert ["9", "10"] == [migration.key for migration in load_files(files)]


@pytest.mark.parametrize(
    ("files", "file", "sentence"),
    [
        (
            {"1.a.sql": "-- depends: 2.b\nA;\n", "2.b.sql": "B;\n"},
            "1.a.sql",
            (
                "version 1 comes behind 2 by the rules of yoyo (migrations/2.b.sql), "
                "and in front of it as a number"
            ),
        ),
        (
            {"1.a.sql": "-- depends: 2.b 3.c\nA;\n", "2.b.sql": "B;\n"},
            "1.a.sql",
            "it depends on 3.c, which is not there",
        ),
        (
            {"1.a.sql": "-- depends: 2.b\nA;\n", "2.b.sql": "-- depends: 1.a\nB;\n"},
            "1.a.sql",
            "in a circle: 1.a depends on 2.b depends on 1.a",
        ),
        (
            {"1.a.sql": "-- transactional: no\nA;\n"},
            "1.a.sql",
            "transactional is true or false, not no",
        ),
        ({"first.sql": "A;\n"}, "first.sql", "its name does not begin with a number"),
        (
            {"post-apply.sql": "A;\n"},
            "post-apply.sql",
            "yoyo runs this after each run, and here nothing does",
        ),
        (
            {"1.a.py": "from yoyo import step\n"},
            "1.a.py",
            "steps of yoyo in Python, which cannot be run here",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(
    files: dict[str, str], file: str, sentence: str
) -> None:
    """An order that is not that of the numbers, something that is not there, Python."""
    found = [complaint.message for complaint in complaints(files, reading=YOYO)]

    assert [f"migrations/{file}: {sentence}"] == found


def test_two_of_one_number_are_told_apart_by_their_names() -> None:
    """Yoyo knows migrations by their whole name."""
    files = {"1.b.sql": "B;\n", "1.a.sql": "A;\n", "1.b.rollback.sql": "C;\n"}

    found = [(m.key, m.name, m.down is not None) for m in load_files(files)]

    assert [("1", "a", False), ("1.1", "b", True)] == found


def test_other_files_are_nothing_to_yoyo() -> None:
    """What it left while somebody was writing, a package, its settings."""
    files = {"1.a.sql": "A;\n", "_tmp_yoyonew1.sql": "", "__init__.py": "", "yoyo.ini": ""}

    assert ["1"] == [migration.key for migration in load_files(files, reading=YOYO)]


def test_python_is_refused_with_a_way_out() -> None:
    """In a folder that is recognised by a name."""
    [found] = complaints({"20230101_01_XXXXX-a.py": "from yoyo import step\n"})

    assert (
        Complaint(
            "migrations/20230101_01_XXXXX-a.py: steps of yoyo in Python, which cannot be run here",
            "let yoyo apply it and then adopt, or write what its steps do into a file of the same "
            "number in SQL",
        )
        == found
    )
