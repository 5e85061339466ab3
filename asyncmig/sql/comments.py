"""Finds the comments that can be markers, such as `-- migrate:up`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sql.lexer import marks
from asyncmig.sql.marks import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Comment:
    """Hold a `--` comment.

    Attributes:
        text: The comment with its dashes, without the end of the line.
        offset: Character offset of its first dash.
        end: Character offset behind its last character.
    """

    text: str
    offset: int
    end: int


def line_comments_at_column_zero(script: str, dialect: Dialect) -> Iterator[Comment]:
    """Yield the `--` comments that begin a line, as the database sees them.

    Not those inside a string, a quoted name, a dollar-quoted body or a block comment. Only the
    script up to the last line that begins with dashes is read.
    """
    last = 1 + max(script.rfind("\n--"), script.rfind("\r--"))
    for mark in marks(script, dialect):
        if mark.start > last:
            return
        if mark.kind is Kind.LINE_COMMENT and begins_line(script, mark.start):
            yield Comment(script[mark.start : mark.end], mark.start, mark.end)


def begins_line(script: str, offset: int) -> bool:
    """Tell whether nothing stands in front of `offset` in its line."""
    return offset == 0 or script[offset - 1] in "\r\n"
