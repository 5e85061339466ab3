"""sql-migrate's files: two markers, and an option."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

SQL_MIGRATE = Reading("sql-migrate")


def test_up_and_down_are_what_follows_their_markers() -> None:
    """What stands in front is never run; brackets around a statement stay, as comments."""
    text = (
        "never;\n-- +migrate Up\n-- +migrate StatementBegin\nA;\n-- +migrate StatementEnd\n"
        "-- +migrate Down\nB;\n"
    )

    [migration] = load_files({"1-users.sql": text})

    assert ("1", "users") == (migration.key, migration.name)
    assert (
        SqlScript(
            "-- +migrate StatementBegin\nA;\n-- +migrate StatementEnd\n",
            "migrations/1-users.sql",
            first_line=3,
        )
        == migration.up
    )
    assert SqlScript("B;\n", "migrations/1-users.sql", first_line=7) == migration.down


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- +migrate Up notransaction\nA;\n-- +migrate Down\nB;\n", (False, True)),
        ("-- +migrate Up\nA;\n-- +migrate Down  notransaction\nB;\n", (True, False)),
        ("-- +migrate Up NoTransaction\nA;\n-- +migrate Down\nB;\n", (True, True)),
    ],
)
def test_notransaction_counts_for_its_direction(text: str, expected: tuple[bool, bool]) -> None:
    """In small letters, behind the direction."""
    [migration] = load_files({"1_a.sql": text})

    assert migration.down is not None
    assert expected == (migration.up.transaction, migration.down.transaction)


def test_a_file_may_come_back_to_a_direction() -> None:
    """Each statement stays on its line, so that an error names the right one."""
    text = "-- +migrate Up\nA;\n-- +migrate Down\nB;\n-- +migrate Up\nC;\n-- +migrate Down\nD;\n"

    [migration] = load_files({"1_a.sql": text})

    assert SqlScript("A;\n\n\n\nC;\n", "migrations/1_a.sql", first_line=2) == migration.up
    assert SqlScript("B;\n\n\n\nD;\n", "migrations/1_a.sql", first_line=4) == migration.down


def test_only_a_down_does_nothing_to_go_up() -> None:
    """sql-migrate counts it as applied."""
    [migration] = load_files({"1_a.sql": "-- +migrate Down\nB;\n"})

    assert ("", "B;\n") == (text_of(migration.up), text_of(migration.down))


@pytest.mark.parametrize("line", ["--+migrate Up", " -- +migrate Up", "-- +migrate up", "-- Up"])
def test_a_file_without_markers_is_refused(line: str) -> None:
    """Their dashes begin the line, one space follows, and the case counts."""
    expected = Complaint(
        "migrations/1_a.sql: there is neither -- +migrate Up nor -- +migrate Down",
        "write -- +migrate Up in front of what applies the migration",
    )

    assert [expected] == complaints({"1_a.sql": f"{line}\nA;\n"}, reading=SQL_MIGRATE)


def test_names_order_what_has_the_same_number() -> None:
    """A file is known by its whole name."""
    names = ["2-a.sql", "1-b.sql", "1-a.sql", "01-c.sql"]

    migrations = load_files(dict.fromkeys(names, "-- +migrate Up\n"))

    assert [("01", "c"), ("1.1", "a"), ("1.2", "b"), ("2", "a")] == [
        (migration.key, migration.name) for migration in migrations
    ]


def test_numbers_order_the_files_and_names_without_one_are_refused() -> None:
    """The number may be followed by anything."""
    names = ["10-b.sql", "9.a.sql", "0011c.sql", "12.sql"]
    up = "-- +migrate Up\n"
    hint = "call it VERSION-seed.sql"

    migrations = load_files(dict.fromkeys(names, up))

    assert [("9", "a"), ("10", "b"), ("0011", "c"), ("12", "")] == [
        (migration.key, migration.name) for migration in migrations
    ]
    assert [
        Complaint(
            "migrations/seed.sql: there is no number in front, and nothing else tells its place "
            "in the order",
            hint,
        )
    ] == complaints({"1_a.sql": up, "seed.sql": up})
