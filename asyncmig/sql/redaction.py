"""Shows a statement of somebody else without what it carries: passwords are literals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.sql.lexer import token_spans

if TYPE_CHECKING:
    from asyncmig.sql.dialect import Dialect

LITERAL = "'…'"
MORE = "…"
UNSURE = "\\'"
"""Ends a string or not, depending on a setting of the session that has sent it."""


def without_literals(script: str, dialect: Dialect, *, longest: int) -> str:
    """Return a statement in one line, without the text of its strings and without comments.

    Args:
        script: The statement; it may be cut off in the middle, as ``pg_stat_activity`` does.
        dialect: Whose rules apply.
        longest: How many characters to return at most.
    """
    sure, unsure, _ = script.partition(UNSURE)
    pieces: list[str] = []
    behind = 0
    for begin, end in token_spans(sure, dialect):
        if pieces and begin > behind:
            pieces.append(" ")
        token = sure[begin:end]
        pieces.append(LITERAL if _is_literal(token) else token)
        behind = end
    shown = "".join(pieces) + (f" {MORE}" if unsure else "")
    return shown if len(shown) <= longest else shown[: longest - 1] + MORE


def _is_literal(token: str) -> bool:
    """Tell whether it is a string: ``$1`` is a parameter, ``$$…$$`` and ``$x$…$x$`` are strings."""
    return token[0] == "'" or (token[0] == "$" and "$" in token[1:])
