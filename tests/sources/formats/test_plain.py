"""Plain numbered files: which names are some, and which are slips in a folder of ours."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of


@pytest.mark.parametrize(
    ("file_name", "version", "name"),
    [
        ("1.sql", "1", "1"),
        ("001-name.sql", "001", "name"),
        ("1 a name.sql", "1", "a name"),
        ("0001.name.sql", "0001", "name"),
        ("v1.sql", "1", "1"),
        ("v1.10.sql", "1.10", "1.10"),
        ("v1_10.sql", "1.10", "1.10"),
        ("v1.10-name.sql", "1.10", "name"),
        ("1.2.3.sql", "1.2.3", "1.2.3"),
        ("2024-03-13-name.sql", "20240313", "name"),
        ("20240313-name.sql", "20240313", "name"),
        ("20240313-101530-name.sql", "20240313101530", "name"),
        ("20240313T101530 name.sql", "20240313101530", "name"),
        ("20240313101530-name.sql", "20240313101530", "name"),
        ("1710324930123-name.sql", "1710324930123", "name"),
    ],
)
def test_a_number_in_front_is_the_version(file_name: str, version: str, name: str) -> None:
    """Whatever stands between it and the name."""
    [migration] = load_files({file_name: "A;\n"})

    assert (version, name) == (migration.key, migration.name)
    assert SqlScript("A;\n", f"migrations/{file_name}") == migration.up


def test_numbers_are_compared_as_numbers() -> None:
    """Not as text: 1.10 follows 1.9, and 10 follows 9."""
    files = dict.fromkeys(("v1.10.sql", "v1.9.sql", "v10.0.sql", "v9.0.sql"), "A;\n")

    assert ["1.9", "1.10", "9.0", "10.0"] == [migration.key for migration in load_files(files)]


def test_halves_are_put_together() -> None:
    """By the endings that everybody uses."""
    [migration] = load_files({"1-a.up.sql": "A;\n", "1-a.DOWN.sql": "B;\n"})

    assert SqlScript("A;\n", "migrations/1-a.up.sql") == migration.up
    assert SqlScript("B;\n", "migrations/1-a.DOWN.sql") == migration.down


def test_what_cannot_run_in_a_transaction_runs_without_one() -> None:
    """There is nothing by which a file could say so."""
    [migration] = load_files({"1.sql": "VACUUM;\n"})

    assert not migration.up.transaction


@pytest.mark.parametrize(
    "files",
    [
        {"1_a.sql": "A;\n", "2-b.sql": "B;\n"},
        {"1-a.sql": "A;\n", "R__b.sql": "B;\n"},
        {"1-a.sql": "A;\n", "2-b.py": ""},
        {"1-a.sql": "A;\n", "seed.sql": "B;\n"},
        {"1a.sql": "A;\n"},
    ],
)
def test_in_a_folder_of_ours_such_a_name_is_a_slip(files: dict[str, str]) -> None:
    """As soon as one file is named or marked as ours are, or not numbered at all."""
    assert {"this is not the name of a migration"} == {
        found.message.partition(": ")[2] for found in complaints(files)
    }


@pytest.mark.parametrize(
    "mark", ["-- +micrate Down", "-- !DOWN", "-- !Downs", "---- down ----", "  -- Rollback:"]
)
def test_a_way_down_in_the_same_file_is_refused(mark: str) -> None:
    """Whose mark that is nobody knows, and run as one it would undo what it did."""
    text = f"CREATE TABLE a (b int);\n{mark}\nDROP TABLE a;\n"

    assert [
        Complaint(
            f"migrations/1.sql:2:{1 + mark.index('-')}: "
            "here begins the way down, by the look of it",
            "write it into a file of its own, NUMBER-name.down.sql beside NUMBER-name.up.sql",
            2,
            1 + mark.index("-"),
        )
    ] == complaints({"1.sql": text})


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a (b int);\n-- Rollback:\n-- DROP TABLE a;\n",
        "-- Rollback\n-- DROP TABLE a;\nCREATE TABLE a (b int);\n",
        "CREATE TABLE a (b int);\n-- scale down\nCREATE TABLE b (c int);\n",
    ],
)
def test_a_way_down_that_is_only_told_is_a_comment(text: str) -> None:
    """There is nothing behind it that would run, or nothing in front of it."""
    [migration] = load_files({"1.sql": text})

    assert text == text_of(migration.up)


def test_two_files_of_one_number_are_refused() -> None:
    """Which of them comes first, only their author knows."""
    [found] = complaints({"1-a.sql": "A;\n", "1-b.sql": "B;\n"})

    assert "version 1" in found.message


def test_a_file_without_a_number_is_refused() -> None:
    """When somebody says that the files are numbered; one that is hidden is none."""
    files = {"1-a.sql": "A;\n", "seed.sql": "B;\n", "_c.sql": "C;\n", "readme.md": ""}

    assert [
        Complaint(
            "migrations/seed.sql: its name does not begin with a number",
            "number it, or let its name begin with an underscore if it is no migration",
        )
    ] == complaints(files, reading=Reading("plain"))
