r"""Finds what cannot be sent to the database as it is: quotes left open, commands of a shell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from asyncmig.sql.dialect import Dialect
from asyncmig.sql.lexer import marks
from asyncmig.sql.marks import Kind
from asyncmig.sql.statements import split, statement_tokens

if TYPE_CHECKING:
    from asyncmig.sql.marks import Mark
    from asyncmig.sql.statements import Statement

NUL = "\0"
META_COMMAND = re.compile(r"\\(?:[A-Za-z][A-Za-z_]*+|[.!?])")
DOT_COMMAND = re.compile(r"\.[A-Za-z]+")
# Seldom anywhere in a script, so they spare most scripts the reading statement by statement.
STDIN = re.compile(r"\bstd(?:in|out)\b", re.IGNORECASE | re.ASCII)
DOT_LINE = re.compile(r"^[ \t]*\.[A-Za-z]", re.MULTILINE)

OPENINGS = {
    Kind.STRING: "The string that begins here has no closing quote.",
    Kind.NAME: "The quoted name that begins here has no closing quote.",
    Kind.BLOCK_COMMENT: "The comment that begins here is not closed with */.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Hold what keeps a script from being sent.

    Attributes:
        message: One sentence that says what it is and what to do.
        offset: Character offset of the place in the script.
    """

    message: str
    offset: int


def problem(script: str, dialect: Dialect) -> Problem | None:
    """Return the first thing in a script that cannot be sent to the database as it is.

    Such as a psql command, `COPY … FROM STDIN`, a string that is not closed. Mistakes that the
    database reports better itself are none of its business.
    """
    found = [
        problem_with_nul(script),
        problem_with_marks(script, dialect),
        problem_with_statements(script, dialect),
    ]
    return min(filter(None, found), key=lambda one: one.offset, default=None)


def problem_with_nul(script: str) -> Problem | None:
    """Find a NUL character, which neither database takes."""
    offset = script.find(NUL)
    if offset < 0:
        return None
    return Problem("There is a NUL character here, which no SQL can contain; remove it.", offset)


def problem_with_marks(script: str, dialect: Dialect) -> Problem | None:
    """Find a backslash outside of quotes, or a quote that is not closed."""
    for mark in marks(script, dialect):
        if mark.kind is Kind.BACKSLASH:
            return Problem(stray_backslash(script, mark.start), mark.start)
        if not mark.closed:
            return Problem(left_open(script, mark), mark.start)
    return None


def stray_backslash(script: str, offset: int) -> str:
    """Say what a backslash outside of quotes is: a psql command, or MySQL's way to escape."""
    command = META_COMMAND.match(script, offset)
    if command is None:
        return (
            "A backslash outside of quotes means nothing to PostgreSQL; in a string double the"
            " quote ('it''s') or put an E in front of it (E'it\\'s')."
        )
    return (
        f"{command[0]} is a command of psql, which takes no part here: the script goes straight"
        " to the server; remove it or write it in SQL."
    )


def left_open(script: str, mark: Mark) -> str:
    """Say what is not closed."""
    if mark.kind is Kind.DOLLAR_STRING:
        tag = script[mark.start : script.index("$", mark.start + 1) + 1]
        return f"The string that begins with {tag} here is not closed with another {tag}."
    return OPENINGS[mark.kind]


def problem_with_statements(script: str, dialect: Dialect) -> Problem | None:
    """Find a statement that only a shell can run."""
    if dialect is Dialect.POSTGRESQL:
        hint, problem_with = STDIN, problem_with_copy
    else:
        hint, problem_with = DOT_LINE, problem_with_dot
    if not hint.search(script):
        return None
    return next(filter(None, map(problem_with, split(script, dialect))), None)


def problem_with_copy(statement: Statement) -> Problem | None:
    """Find COPY … FROM STDIN, whose data only a client such as psql sends.

    STDIN and STDOUT mean the same to COPY; FROM decides.
    """
    if statement.words[:1] != ("COPY",):
        return None
    words = statement_tokens(statement, Dialect.POSTGRESQL)
    if not any(pair in COPIES for pair in pairwise(words)):
        return None
    return Problem(
        "COPY … FROM STDIN needs a client that sends the data; write the rows as INSERT, or copy"
        " them in a Python migration.",
        statement.body,
    )


COPIES = {("FROM", "STDIN"), ("FROM", "STDOUT")}


def problem_with_dot(statement: Statement) -> Problem | None:
    """Find a dot-command of the sqlite3 shell."""
    match = DOT_COMMAND.match(statement.text, statement.body - statement.offset)
    if not match:
        return None
    return Problem(
        f"{match[0]} is a command of the sqlite3 shell, which takes no part here; remove it or"
        " write it in SQL.",
        statement.body,
    )
