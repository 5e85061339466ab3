"""drizzle-kit's folder: the journal, the breakpoints, and the folders since its version 1."""

from __future__ import annotations

import json

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

JOURNAL = "meta/_journal.json"


def journal(*entries: tuple[int, str]) -> str:
    """Write a journal as drizzle-kit does."""
    listed = [{"idx": idx, "when": 1, "tag": tag, "breakpoints": True} for idx, tag in entries]
    return json.dumps({"version": "7", "dialect": "postgresql", "entries": listed})


def test_the_journal_says_what_counts_and_in_which_order() -> None:
    """Its index is the version; what it does not list is no migration."""
    files = {
        "0000_cold_wasp.sql": "A;\n",
        "extra.sql": "B;\n",
        "0009_unlisted.sql": "C;\n",
        JOURNAL: journal((0, "0000_cold_wasp"), (1, "extra")),
    }

    migrations = load_files(files)

    assert [("0000", "cold_wasp"), ("0001", "extra")] == [(m.key, m.name) for m in migrations]
    assert SqlScript("A;\n", "migrations/0000_cold_wasp.sql") == migrations[0].up
    assert [None, None] == [migration.down for migration in migrations]


def test_two_entries_of_one_index_are_in_the_order_of_the_journal() -> None:
    """Two branches that were merged by hand leave that."""
    files = {
        "0001_b.sql": "B;\n",
        "0001_a.sql": "A;\n",
        JOURNAL: journal((1, "0001_b"), (1, "0001_a")),
    }

    assert [("0001", "b"), ("0001.1", "a")] == [(m.key, m.name) for m in load_files(files)]


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("A;\n--> statement-breakpoint\nB;", "A;\n--> statement-breakpoint\nB;"),
        ("A\n--> statement-breakpoint\nB", "A\n;--> statement-breakpoint\nB"),
        (
            "A;--> statement-breakpoint\nB -- b;\n--> statement-breakpoint\nC",
            "A;--> statement-breakpoint\nB -- b;\n;--> statement-breakpoint\nC",
        ),
        ("A '--> statement-breakpoint';", "A '--> statement-breakpoint';"),
    ],
)
def test_a_breakpoint_ends_a_statement(text: str, run: str) -> None:
    """With a semicolon in front of it or without; no line moves."""
    [migration] = load_files({"0000_a.sql": text, JOURNAL: journal((0, "0000_a"))})

    assert run == text_of(migration.up)


def test_a_body_with_a_breakpoint_in_it_is_one_statement() -> None:
    """SQLite's triggers have semicolons of their own."""
    text = "CREATE TRIGGER t AFTER INSERT ON a BEGIN B; END\n--> statement-breakpoint\nC"
    files = {"0000_a.sql": text, JOURNAL: journal((0, "0000_a"))}

    [migration] = load_files(files, Dialect.SQLITE)

    assert text.replace("\n-->", "\n;-->") == text_of(migration.up)


def test_folders_with_snapshots_are_migrations_since_version_1() -> None:
    """There is no journal any more."""
    files = {
        "20260102030405_a/migration.sql": "A;\n",
        "20260102030405_a/snapshot.json": "{}",
        "20260102030406_b/snapshot.json": "{}",
    }

    [migration] = load_files(files)

    assert ("20260102030405", "a") == (migration.key, migration.name)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({JOURNAL: journal((0, "0000_a"))}, "it lists 0000_a, and there is no 0000_a.sql"),
        ({JOURNAL: "[]"}, "this is no journal: it lists entries with idx and tag"),
        ({JOURNAL: "{"}, "this is no journal: it lists entries with idx and tag"),
    ],
)
def test_a_journal_that_cannot_be_followed_is_refused(files: dict[str, str], sentence: str) -> None:
    """Drizzle refuses it too."""
    assert [Complaint(f"migrations/{JOURNAL}: {sentence}")] == complaints(files)


def test_a_journal_out_of_order_is_refused() -> None:
    """Versions are compared as numbers here, whatever the journal says."""
    files = {
        "0001_b.sql": "B;\n",
        "0000_a.sql": "A;\n",
        JOURNAL: journal((1, "0001_b"), (0, "0000_a")),
    }

    [found] = complaints(files)

    assert found.message.startswith("migrations/0000_a.sql: version 0000 comes behind 0001")


def test_a_folder_without_a_number_is_refused() -> None:
    """A version is a number here."""
    [found] = complaints({"first/migration.sql": "A;\n", "first/snapshot.json": "{}"})

    assert "migrations/first: its name does not begin with a number" == found.message
