"""Prisma's folders: their names, their order, and what stands in them."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

LOCK = 'provider = "postgresql"\n'
PRISMA = Reading("prisma")


def test_a_folder_is_a_migration() -> None:
    """Its name begins with a time stamp; the lock says which database it is, and no more."""
    files = {"20230404095503_initial_migration/migration.sql": "A;\n", "migration_lock.toml": LOCK}

    [migration] = load_files(files)

    folder = "migrations/20230404095503_initial_migration"
    assert ("20230404095503", "initial_migration") == (migration.key, migration.name)
    assert SqlScript("A;\n", f"{folder}/migration.sql") == migration.up
    assert None is migration.down


def test_a_way_down_is_used_where_it_was_written() -> None:
    """Prisma's manual has people write down.sql beside it, and run it themselves."""
    [migration] = load_files({"1_a/migration.sql": "A;\n", "1_a/down.sql": "B;\n"})

    assert SqlScript("B;\n", "migrations/1_a/down.sql") == migration.down


def test_the_baseline_of_the_manual_comes_first() -> None:
    """It is called 0_init."""
    files = {"20230101000000_a/migration.sql": "B;\n", "0_init/migration.sql": "A;\n"}

    assert ["0", "20230101000000"] == [migration.key for migration in load_files(files)]


def test_two_of_one_second_are_told_apart_by_their_names() -> None:
    """Prisma knows migrations by their whole name, and orders by it."""
    files = {
        "20230101000000_b/migration.sql": "B;\n",
        "20230101000000_b/down.sql": "D;\n",
        "20230101000000_a/migration.sql": "A;\n",
        "20230101000001_c/migration.sql": "C;\n",
    }

    found = [(migration.key, migration.name) for migration in load_files(files)]

    assert [("20230101000000", "a"), ("20230101000000.1", "b"), ("20230101000001", "c")] == found


def test_what_cannot_run_in_a_transaction_runs_without_one() -> None:
    """Prisma has no word for it, so nobody wrote one."""
    statement = 'CREATE INDEX CONCURRENTLY "i" ON "t" ("c");\n'
    files = {"1_a/migration.sql": f"-- CreateIndex\n{statement}", "2_b/migration.sql": "A;\n"}

    assert [False, True] == [migration.up.transaction for migration in load_files(files)]


@pytest.mark.parametrize(
    ("files", "sentence", "hint"),
    [
        (
            {"1_a/migration.sql": "A;\n", "2_b/readme.txt": ""},
            "2_b: there is no migration.sql in it",
            "write one, or take the folder away",
        ),
        (
            {"first/migration.sql": "A;\n"},
            "first: its name does not begin with a number",
            "here a version is a number: rename it",
        ),
        (
            {"9_a/migration.sql": "A;\n", "10_b/migration.sql": "B;\n"},
            (
                "9_a/migration.sql: version 9 comes behind 10 by the rules of prisma "
                "(migrations/10_b/migration.sql), and in front of it as a number"
            ),
            "versions are compared as numbers here: rename one of the two",
        ),
    ],
)
def test_a_folder_that_cannot_be_followed_is_refused(
    files: dict[str, str], sentence: str, hint: str
) -> None:
    """Prisma refuses one without its file, and orders names as text."""
    assert [Complaint(f"migrations/{sentence}", hint)] == complaints(files, reading=PRISMA)
