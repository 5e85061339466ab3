"""node-pg-migrate's SQL files: its comments, its pairs, and how it orders them."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_file, load_files

NODE = Reading("node-pg-migrate")
IN_JAVASCRIPT = (
    "let node-pg-migrate apply it and then adopt, or write what it does into a file of the same "
    "number in SQL"
)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("-- Up Migration", "-- Down Migration"),
        ("---- up   migration ----", " -- - DOWN Migration of it"),
    ],
)
def test_up_and_down_are_what_follows_their_comments(up: str, down: str) -> None:
    """In any case, with any dashes; the comment stays where it is."""
    text = f"-- users\n{up}\nA;\n{down}\nB;\n"

    migration = load_file("1710324930123_users.sql", text)

    path = "migrations/1710324930123_users.sql"
    assert ("1710324930123", "users") == (migration.key, migration.name)
    assert SqlScript(f"{up}\nA;\n", path, first_line=2) == migration.up
    assert SqlScript(f"{down}\nB;\n", path, first_line=4) == migration.down


def test_without_a_comment_all_is_the_way_up() -> None:
    """And there is none down."""
    [up_only, plain] = load_files({"1_a.sql": "-- Up Migration\nA;\n", "2_b.sql": "B;\n"})

    assert (None, None) == (up_only.down, plain.down)
    assert SqlScript("B;\n", "migrations/2_b.sql") == plain.up


def test_halves_are_put_together() -> None:
    """In them the comments mean nothing."""
    files = {
        "1_a.up.sql": "-- Up Migration\nA;\n-- Down Migration\nB;\n",
        "1_a.down.sql": "C;\n",
        "2-b.sql": "-- Up Migration\nD;\n",
    }

    migrations = load_files(files)

    assert SqlScript(files["1_a.up.sql"], "migrations/1_a.up.sql") == migrations[0].up
    assert SqlScript("C;\n", "migrations/1_a.down.sql") == migrations[0].down
    assert ("2", "b") == (migrations[1].key, migrations[1].name)


def test_two_of_one_number_are_told_apart_by_their_names() -> None:
    """node-pg-migrate knows migrations by their whole name."""
    files = {"1_b.sql": "B;\n", "1_a.sql": "-- Up Migration\nA;\n", "2_c.sql": "C;\n"}

    found = [(migration.key, migration.name) for migration in load_files(files)]

    assert [("1", "a"), ("1.1", "b"), ("2", "c")] == found


def test_seventeen_digits_are_a_date() -> None:
    """They are no number for node-pg-migrate, so beside milliseconds the order can differ."""
    dates = {"20240313101530000_a.sql": "A;\n", "20240313101530001_b.sql": "B;\n"}
    mixed = {**dates, "1910324930123_c.sql": "-- Up Migration\nC;\n"}

    assert [*dates] == [f"{m.key}_{m.name}.sql" for m in load_files(dates, reading=NODE)]
    assert [
        Complaint(
            "migrations/1910324930123_c.sql: version 1910324930123 comes behind 20240313101530001 "
            "by the rules of node-pg-migrate (migrations/20240313101530001_b.sql), "
            "and in front of it as a number",
            "versions are compared as numbers here: rename one of the two",
        )
    ] == complaints(mixed)


@pytest.mark.parametrize("name", ["1710324930124_b.js", "1710324930124_b.ts", "20240313_b.cjs"])
def test_a_migration_in_javascript_is_refused(name: str) -> None:
    """To leave it out would be to skip it."""
    files = {"1710324930123_a.sql": "-- Up Migration\nA;\n", name: "", "x.d.ts": "", "a.js": ""}

    assert [
        Complaint(
            f"migrations/{name}: a migration in JavaScript, which cannot be run here",
            IN_JAVASCRIPT,
        )
    ] == complaints(files)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "A;\n-- Down Migration\nB;\n",
            ": there is no -- Up Migration in front of -- Down Migration",
        ),
        (
            "-- Down Migration\nB;\n-- Up Migration\nA;\n",
            ": there is no -- Up Migration in front of -- Down Migration",
        ),
        ("A;\n-- Up Migration\nB;\n", ":1:1: a statement in front of -- Up Migration is never run"),
    ],
)
def test_a_file_that_would_surprise_is_refused(text: str, sentence: str) -> None:
    """node-pg-migrate runs the down of the first one on the way up."""
    [found] = complaints({"1_a.sql": text}, reading=NODE)

    assert f"migrations/1_a.sql{sentence}" == found.message


def test_a_file_without_a_number_is_refused() -> None:
    """node-pg-migrate stops at it; it leaves hidden ones alone."""
    files = {"1_a.sql": "A;\n", "seed.sql": "B;\n", ".b.sql": "C;\n"}

    assert [
        Complaint(
            "migrations/seed.sql: its name does not begin with a number",
            "node-pg-migrate stops at such a file: number it, or let its name begin with a dot",
        )
    ] == complaints(files, reading=NODE)
