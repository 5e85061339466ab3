"""What an author allows is not found, and what is allowed for nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.lint.selection import Selection
from asyncmig.sql import Dialect
from tests.lint.conftest import places

if TYPE_CHECKING:
    from tests.lint.conftest import Linted

UPDATE = "UPDATE users SET name = lower(name)"


@pytest.mark.parametrize(
    "text",
    [
        f"-- asyncmig:allow write-without-where\n{UPDATE};\n",
        f"SELECT 1;\n\n  --asyncmig: allow write-without-where because it is small\n{UPDATE};\n",
        f"-- asyncmig:allow write-without-where\n-- More words.\n{UPDATE};\n",
        f"{UPDATE}; -- asyncmig:allow write-without-where: ten rows\n",
        "UPDATE users\n  -- asyncmig:allow write-without-where\n  SET name = lower(name);\n",
        f"-- asyncmig:allow write-without-where\n-- migrate:up\nSELECT 1;\n{UPDATE};\n",
        f"/* asyncmig */ -- asyncmig:allow write-without-where\n{UPDATE};\n",
    ],
    ids=["in-front", "indented", "with-others", "behind", "inside", "whole-file", "after-block"],
)
def test_a_comment_allows_what_it_names(lint: Linted, text: str) -> None:
    """In front of the statement, in it, behind it on its line, or in front of the marker."""
    assert lint.rules(text) == []


def test_a_comment_allows_several_rules(lint: Linted) -> None:
    """With commas between them, and the reason behind."""
    text = (
        "ALTER TABLE orders ADD x int;\n"
        "-- asyncmig:allow slow-statement-under-lock, write-without-where as the table is empty\n"
        f"{UPDATE};\n"
    )

    assert lint.rules(text) == []


def test_a_comment_is_for_its_own_statement(lint: Linted) -> None:
    """The next one is found, and the one behind a semicolon on another line too."""
    text = f"-- asyncmig:allow write-without-where\n{UPDATE};\n{UPDATE};\n"

    assert "3:1 write-without-where" in lint.rules(text)


def test_what_is_said_of_the_file_is_allowed_in_front_of_its_first_statement(lint: Linted) -> None:
    """A file without a marker has no other place for it."""
    enabled = Selection(squawk=False, enable=frozenset({"irreversible"}), only=("2",))
    text = "-- asyncmig:allow irreversible\nSELECT 1;\nSELECT 2;\n"

    assert lint.rules(text, selection=enabled) == []


def test_an_empty_file_can_be_allowed(lint: Linted) -> None:
    """A placeholder that is meant."""
    assert lint.rules("-- asyncmig:allow empty as 0002 went to another project\n") == []


def test_a_python_migration_says_it_in_its_own_comments(lint: Linted) -> None:
    """For the whole file."""
    enabled = Selection(squawk=False, enable=frozenset({"irreversible"}), only=("2",))
    text = "# asyncmig:allow irreversible\nasync def up(connection):\n    pass\n"

    assert lint({"0002_b.py": text}, selection=enabled).findings == ()


def test_the_down_part_has_comments_of_its_own(lint: Linted) -> None:
    """And the lines are those of the file."""
    text = (
        "-- migrate:up\nSELECT 1;\n-- migrate:down\n"
        "-- asyncmig:allow search-path\nSET search_path = shop;\nSET search_path = pub;\n"
    )

    assert ["6:1 search-path"] == lint.rules(text)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "-- asyncmig:allow write-without-where\nSELECT 1;\n",
            "1:1 unused-allow",
            "write-without-where finds nothing here that could be allowed",
        ),
        (
            "SELECT 1;\n-- asyncmig:allow empty\n",
            "2:1 unused-allow",
            "empty finds nothing here that could be allowed",
        ),
        (
            "-- asyncmig:allow writes-without-where\nSELECT 1;\n",
            "1:1 unknown-allow",
            "there is no rule 'writes-without-where'",
        ),
        ("-- asyncmig:allow\nSELECT 1;\n", "1:1 unknown-allow", "this allows nothing"),
        ("-- asyncmig:alow empty\nSELECT 1;\n", "1:1 unknown-allow", "this allows nothing"),
        ("  -- asyncmig:allow Empty\nSELECT 1;\n", "1:3 unknown-allow", "this allows nothing"),
        (
            "-- asyncmig:allow empty\n-- migrate:up\nSELECT 1;\n",
            "1:1 unused-allow",
            "empty finds nothing here that could be allowed",
        ),
    ],
    ids=["unused", "last", "unknown", "nothing", "misspelt", "capital", "whole-file"],
)
def test_a_comment_that_allows_nothing_is_found(
    lint: Linted, text: str, place: str, message: str
) -> None:
    """It is a leftover, or a slip that hides nothing."""
    (finding,) = lint({"0002_b.sql": text}).findings

    assert ([place], message) == (places([finding]), finding.message)


@pytest.mark.parametrize(
    "text",
    [
        "-- asyncmig: a word to the reader\nSELECT 1;\n",
        "SELECT '\n-- asyncmig:allow empty\n';\n",
        "/*\n-- asyncmig:allow empty\n*/ SELECT 1;\n",
        "-- asyncmig:allow rebuild-with-foreign-keys\nSELECT 1;\n",
        "-- asyncmig:allow squawk/ban-drop-table\nSELECT 1;\n",
        "-- asyncmig:allow irreversible\nSELECT 1;\n",
    ],
    ids=["prose", "string", "block", "other-dialect", "squawk-not-asked", "off"],
)
def test_what_is_no_allowance_or_had_no_chance_is_left_alone(lint: Linted, text: str) -> None:
    """Prose is prose, and a rule that was not applied could not find anything."""
    assert lint.rules(text) == []


def test_findings_about_comments_can_be_disabled_but_not_allowed(lint: Linted) -> None:
    """Otherwise one comment would need the next."""
    text = "-- asyncmig:allow unused-allow, empty\nSELECT 1;\n"
    without = Selection(squawk=False, disable=frozenset({"unused-allow"}))

    assert ["1:1 unused-allow"] == lint.rules(text)
    assert lint.rules(text, selection=without) == []


def test_dollar_quotes_and_other_dialects_hide_comments_as_the_database_sees_them(
    lint: Linted,
) -> None:
    """A comment inside of a function's body is the function's."""
    text = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n-- asyncmig:allow empty\nSELECT 1$$;"
    )

    assert lint.rules(text) == []
    assert lint.rules("SELECT [\n-- asyncmig:allow empty\n];", Dialect.SQLITE) == []
