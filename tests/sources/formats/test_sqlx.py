"""sqlx's files: simple ones and reversible pairs, and its one marker."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

SQLX = Reading("sqlx")


def test_a_simple_file_has_no_way_down() -> None:
    """All of it is run, whatever comments it has."""
    text = "-- Add migration script here\n-- migrate:down\nA;\n"

    [migration] = load_files({"20260101000000_add_users.sql": text}, reading=SQLX)

    assert ("20260101000000", "add_users") == (migration.key, migration.name)
    assert SqlScript(text, "migrations/20260101000000_add_users.sql") == migration.up
    assert None is migration.down


@pytest.mark.parametrize("up", ["1_a.up.sql", "1_a.sql", "01_b.up.sql"])
def test_a_down_belongs_to_what_has_its_version(up: str) -> None:
    """A down takes back by version alone."""
    [migration] = load_files({up: "A;", "1_a.down.sql": "B;"}, reading=SQLX)

    assert ("A;", "B;") == (text_of(migration.up), text_of(migration.down))


def test_a_down_without_an_up_is_left_out() -> None:
    """It would only be run if its version had been applied."""
    migrations = load_files({"1_a.up.sql": "A;", "2_b.down.sql": "B;"}, reading=SQLX)

    assert ["1"] == [migration.key for migration in migrations]


@pytest.mark.parametrize(
    ("text", "transaction"),
    [
        ("-- no-transaction\nA;", False),
        ("-- no-transaction: it takes long\nA;", False),
        ("--no-transaction\nA;", True),
        ("\n-- no-transaction\nA;", True),
        ("-- why\n-- no-transaction\nA;", True),
        ("CREATE INDEX CONCURRENTLY i ON t (c);", False),
    ],
)
def test_the_marker_counts_as_the_first_characters_only(text: str, *, transaction: bool) -> None:
    """And what can run in no other way needs no marker."""
    [migration] = load_files({"1_a.sql": text}, reading=SQLX)

    assert transaction == migration.up.transaction


def test_each_half_has_a_marker_of_its_own() -> None:
    """The way down of a lengthy index is a quick one."""
    files = {"1_a.up.sql": "-- no-transaction\nA;", "1_a.down.sql": "B;"}

    [migration] = load_files(files, reading=SQLX)

    assert migration.down is not None
    assert (False, True) == (migration.up.transaction, migration.down.transaction)


def test_what_is_named_otherwise_is_nothing_to_sqlx() -> None:
    """No underscore, or another ending."""
    names = ["1_a.sql", "schema.sql", "2.sql", "README_x.md", "3_b.sql.bak"]

    assert ["1"] == [m.key for m in load_files(dict.fromkeys(names, ""), reading=SQLX)]


@pytest.mark.parametrize("word", ["seed", "V1", "-1", "", "1a"])
def test_a_word_in_front_of_the_underscore_is_an_error(word: str) -> None:
    """As it is to sqlx, which does not pass over it."""
    hint = "call it VERSION_name.sql, or take the underscore or the .sql out of the name"

    assert [
        Complaint(
            f"migrations/{word}_a.sql: {word!r} is no version, and sqlx takes what is in front of "
            "the first underscore for one",
            hint,
        )
    ] == complaints({f"{word}_a.sql": "A;", "1_b.sql": "B;"}, reading=SQLX)
