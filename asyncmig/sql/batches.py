"""Reads the statement of a batched migration: what it changes, and where its size goes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from asyncmig.sql.lexer import token_spans
from asyncmig.sql.statements import DEPTH, statement_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql.dialect import Dialect
    from asyncmig.sql.statements import Statement

PLACEHOLDER = ":batch_size"
"""SQLite's own spelling of a parameter, and psql's of a variable."""

CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
"""The verbs that the database answers with the number of rows they have changed."""

COLON = ":"


def changes_rows(statement: Statement, dialect: Dialect) -> bool:
    """Tell whether the database says how many rows a statement has changed.

    What stands behind WITH decides, and not what is changed inside it. A table of WITH may be
    called like a verb; then AS or its columns follow.
    """
    if statement.words[:1] != ("WITH",):
        return not CHANGES.isdisjoint(statement.words[:1])
    depth = 0
    for token, following in pairwise(statement_tokens(statement, dialect)):
        depth += DEPTH.get(token, 0)
        if depth == 0 and token in {*CHANGES, "SELECT", "VALUES"} and following not in {"AS", "("}:
            return token in CHANGES
    return False


def has_placeholder(statement: Statement, dialect: Dialect) -> bool:
    """Tell whether the size of a batch goes into a statement anywhere."""
    return next(placeholders(statement, dialect), None) is not None


def with_batch_size(statement: Statement, dialect: Dialect, size: int) -> str:
    """Return the text of a statement with the size in it.

    Blanks keep the length, so that what the database points to is where it says.
    """
    text = statement.text
    written = f" {size}".ljust(len(PLACEHOLDER))
    for place in placeholders(statement, dialect):
        text = text[:place] + written + text[place + len(PLACEHOLDER) :]
    return text


def placeholders(statement: Statement, dialect: Dialect) -> Iterator[int]:
    """Yield where in its text the placeholders are: not in a string, a name or a comment.

    Behind another colon it is the name of a type, in a cast.
    """
    text = statement.text
    places = token_spans(text, dialect, statement.body - statement.offset)
    for (colon, end), (word, behind) in pairwise(places):
        is_one = text[colon:end] == COLON and text[colon:behind] == PLACEHOLDER and end == word
        if is_one and text[colon - 1 : colon] != COLON:
            yield colon
