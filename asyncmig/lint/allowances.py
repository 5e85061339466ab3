"""The comments with which an author allows what a rule would find: ``-- asyncmig:allow RULE``.

A comment holds for the statement that it stands in front of, in, or behind on the same line. In
front of the marker it holds for the whole file. Several rules have commas between them; the words
behind them are the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sql import split
from asyncmig.sql.lexer import marks
from asyncmig.sql.marks import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql import Dialect

_NAME = r"[a-z][a-z0-9/-]*"
# A word glued to the colon is meant for asyncmig, whatever it is; with a space it may be prose.
_COMMENT = re.compile(r"(?:--+|#+)\s*asyncmig:(?P<said>\s*allow\b.*|\S.*)", re.IGNORECASE)
_ALLOWS = re.compile(rf"\s*allow\s+(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)(?:[\s:].*)?")
_MENTION = "asyncmig:"


@dataclass(frozen=True, slots=True)
class Allowance:
    """A comment that allows a finding of some rules.

    Attributes:
        rules: Their names; none when the comment could not be understood.
        line: The line of the file.
        column: The column, from 1.
        statement: The offset of the statement that it is for; ``None`` for the whole file.
    """

    rules: tuple[str, ...]
    line: int
    column: int
    statement: int | None


def read_allowances(text: str, dialect: Dialect, *, first_line: int = 1) -> Iterator[Allowance]:
    """Yield the allowances of a script, each with the statement that it is for.

    One behind the last statement is for none: its ``statement`` is the end of the text.
    """
    if _MENTION not in text.lower():
        return
    former: int | None = None
    for statement in split(text, dialect):
        for mark in marks(statement.text, dialect):
            if mark.kind is not Kind.LINE_COMMENT:
                continue
            rules = _read(statement.text[mark.start : mark.end])
            if rules is None:
                continue
            behind_former = former is not None and "\n" not in statement.text[: mark.start]
            yield _allowance(
                text,
                statement.offset + mark.start,
                rules,
                first_line=first_line,
                statement=former if behind_former else statement.body,
            )
        former = former if statement.is_empty else statement.body


def read_head(head: str, mark: str) -> Iterator[Allowance]:
    """Yield the allowances for a whole file: in front of its first marker, or in a Python file.

    Args:
        head: The text.
        mark: What a comment begins with: ``--`` or ``#``.
    """
    for number, line in enumerate(head.split("\n"), start=1):
        comment = line.strip()
        rules = _read(comment) if comment.startswith(mark) else None
        if rules is not None:
            yield Allowance(rules, number, 1 + len(line) - len(line.lstrip()), None)


def _read(comment: str) -> tuple[str, ...] | None:
    """Return the rules that a comment allows; ``None`` when it is no word to asyncmig at all."""
    found = _COMMENT.fullmatch(comment.rstrip())
    if found is None:
        return None
    allows = _ALLOWS.fullmatch(found["said"])
    return tuple(re.split(r"\s*,\s*", allows["names"])) if allows else ()


def _allowance(
    text: str, offset: int, rules: tuple[str, ...], *, first_line: int, statement: int | None
) -> Allowance:
    line = first_line + text.count("\n", 0, offset)
    column = offset - text.rfind("\n", 0, offset)
    return Allowance(rules, line, column, statement)
