"""Lines and columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncmig.sql import Position, line_at, position_at

SCRIPT = "ab\nçd\r\n\rx\x0c\x0b\x85\u2028y"


@pytest.mark.parametrize(
    ("offset", "expected", "line"),
    [
        (0, Position(1, 1), "ab"),
        (2, Position(1, 3), "ab"),
        (3, Position(2, 1), "çd"),
        (4, Position(2, 2), "çd"),
        (5, Position(2, 3), "çd"),
        (6, Position(2, 3), "çd"),
        (7, Position(3, 1), ""),
        (8, Position(4, 1), "x\x0c\x0b\x85\u2028y"),
        (13, Position(4, 6), "x\x0c\x0b\x85\u2028y"),
        (14, Position(4, 7), "x\x0c\x0b\x85\u2028y"),
        (99, Position(4, 7), "x\x0c\x0b\x85\u2028y"),
        (-1, Position(1, 1), "ab"),
    ],
)
def test_an_offset_has_a_line_and_a_column(offset: int, expected: Position, line: str) -> None:
    """Lines end as editors end them; columns count characters; outside is the nearest end."""
    assert (expected, line) == (position_at(SCRIPT, offset), line_at(SCRIPT, offset))


@given(st.lists(st.text("ab \té\f", max_size=5)), st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_character_is_found_again_at_its_position(lines: list[str], ending: str) -> None:
    """A position leads back to the line and the character it was made from."""
    offset = 0
    for number, line in enumerate(lines, 1):
        for column in range(1, len(line) + 1):
            at = offset + column - 1
            assert Position(number, column) == position_at(ending.join(lines), at)
            assert line == line_at(ending.join(lines), at)
        offset += len(line) + len(ending)


def test_an_empty_script_has_one_empty_line() -> None:
    """Even the end of nothing has a place."""
    assert (Position(1, 1), "") == (position_at("", 0), line_at("", 0))
