"""Statements that are kept apart by something else than semicolons."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from asyncmig.sql import solid_spans, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql import Dialect


def with_semicolons(script: str, delimiter: str, dialect: Dialect) -> str:
    """Return a script that means the same without its delimiter.

    What a delimiter ends gets a semicolon, unless it has one. The delimiter itself is left where
    it is a comment or white space to the database, and else taken out; no line moves.

    Args:
        script: The text.
        delimiter: What stands between two statements, outside of strings and comments.
        dialect: Whose strings and comments those are.
    """
    pieces: list[str] = []
    start = 0
    is_quiet = delimiter.startswith("--") or not delimiter.strip()
    for offset in _occurrences(script, delimiter, dialect):
        piece = script[start:offset]
        start = offset + len(delimiter)
        rest = delimiter if is_quiet else "\n" * delimiter.count("\n")
        pieces += [piece, rest if _is_closed(piece, dialect) else _closed_by(rest)]
    return "".join([*pieces, script[start:]]) if pieces else script


def _occurrences(script: str, delimiter: str, dialect: Dialect) -> Iterator[int]:
    """Yield where the delimiter stands, but for those in strings, bodies and comments."""
    spans = solid_spans(script, dialect)
    offset = script.find(delimiter)
    while offset >= 0:
        around = bisect_left(spans, (offset, 0)) - 1
        if around >= 0 and spans[around][1] > offset:
            offset = script.find(delimiter, spans[around][1])
        else:
            yield offset
            offset = script.find(delimiter, offset + len(delimiter))


def _is_closed(piece: str, dialect: Dialect) -> bool:
    """Tell whether a piece needs no semicolon at its end: it has one, or there is nothing in it."""
    *_, last = split(f"{piece}\n", dialect)
    return last.is_empty


def _closed_by(rest: str) -> str:
    """Return what follows an open statement; a comment at its end would swallow the semicolon."""
    return f"\n;{rest[1:]}" if rest.startswith("\n") else f";{rest}"
