"""Turns a character offset into what an editor shows: line, column, the line's text."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Position:
    """Hold a place in a script.

    Attributes:
        line: Number of the line, from 1.
        column: Number of the character in the line, from 1; a tab counts as one.
    """

    line: int
    column: int

    def within(self, text: str, offset: int) -> Position:
        """Return the position of a character of a text that begins here."""
        found = position_at(text, offset)
        column = self.column + found.column - 1 if found.line == 1 else found.column
        return Position(self.line + found.line - 1, column)


def position_at(script: str, offset: int) -> Position:
    r"""Return the line and column of a character offset.

    Lines end with `\n`, `\r\n` or `\r`, and nothing else: not with a form feed, nor with the
    Unicode separators that `str.splitlines` knows and editors do not count. An offset outside
    of the script is taken to its nearest end.
    """
    offset = place(script, offset)
    newlines = script.count("\n", 0, offset) + script.count("\r", 0, offset)
    line = 1 + newlines - script.count("\r\n", 0, offset)
    return Position(line, 1 + offset - line_start(script, offset))


def line_at(script: str, offset: int) -> str:
    """Return the line that a character offset is in, without its end."""
    offset = place(script, offset)
    end = LINE_END.search(script, offset)
    return script[line_start(script, offset) : end.start() if end else len(script)]


def place(script: str, offset: int) -> int:
    r"""Move an offset into the script, and from between `\r` and `\n` to in front of both."""
    inside = min(max(offset, 0), len(script))
    return inside - 1 if script[max(inside - 1, 0) : inside + 1] == "\r\n" else inside


def line_start(script: str, offset: int) -> int:
    """Return the offset of the first character of the line."""
    return 1 + max(script.rfind("\n", 0, offset), script.rfind("\r", 0, offset))
