"""Comments that can be markers."""

from __future__ import annotations

import pytest

from asyncmig.sql import Comment, Dialect, line_comments_at_column_zero

UP = "-- migrate:up"


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    ("script", "offsets"),
    [
        ("", []),
        (UP, [0]),
        (f"{UP}\nSELECT 1;\n--down\r\n--", [0, 24, 32]),
        (f" {UP}\nSELECT 1; {UP}", []),
        (f"SELECT 1 {UP}\n{UP}", [23]),
        (f"SELECT '\n{UP}\n';\n{UP}", [26]),
        (f'SELECT "\n{UP}\n";', []),
        (f"/*\n{UP}\n*/\n{UP}", [20]),
        (f"SELECT 'open\n{UP}", []),
        (f"SELECT (\n{UP}\n1);", [9]),
        (f"SELECT 1;\r{UP}", [10]),
        ("SELECT 1\n- -2;\n---- x", [15]),
    ],
)
def test_comments_that_begin_a_line_are_found(
    script: str, offsets: list[int], dialect: Dialect
) -> None:
    """Only a comment to the database, and only one with nothing in front of it."""
    assert offsets == [comment.offset for comment in line_comments_at_column_zero(script, dialect)]


@pytest.mark.parametrize(
    ("script", "dialect"),
    [
        (f"DO $$\n{UP}\n$$;", Dialect.POSTGRESQL),
        (f"SELECT E'\\'\n{UP}\n';", Dialect.POSTGRESQL),
        (f"/* /*\n{UP}\n*/\n{UP}\n*/", Dialect.POSTGRESQL),
        (f"SELECT `\n{UP}\n`;", Dialect.SQLITE),
        (f"SELECT [\n{UP}\n];", Dialect.SQLITE),
        (f"-- one\r{UP}", Dialect.SQLITE),
        (f"/* open\n{UP}", Dialect.SQLITE),
    ],
)
def test_what_a_dialect_does_not_call_a_comment_is_none(script: str, dialect: Dialect) -> None:
    """Text in quotes of the dialect, or in another comment, is no marker."""
    assert [UP] * script.count(f"zero{UP}") == [
        comment.text
        for comment in line_comments_at_column_zero(script, dialect)
        if comment.text == UP
    ]


def test_a_comment_has_its_text_and_its_place() -> None:
    """Without the end of its line, whichever that is."""
    script = "SELECT 1;\n-- ä: b \r\nSELECT 2;"

    assert [Comment("-- ä: b ", 10, 18)] == list(
        line_comments_at_column_zero(script, Dialect.POSTGRESQL)
    )
