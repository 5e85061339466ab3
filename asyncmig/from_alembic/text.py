"""The text of the file that a revision becomes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.from_alembic.rendering import Irreversible, Rendered, Unrendered
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.from_alembic.rendering import Revision

UNFINISHED = "FINISH THIS FILE BY HAND"
"""What a file says that nobody has finished, in its comments and in the error when it is run."""

_ROUND = str.maketrans("[]", "()")

_COMMENT = "-- | "
"""In front of what is quoted: no line of it may look like a marker."""


def text_of(revision: Revision, dialect: Dialect) -> str:
    """Return the file, with both directions in it as far as they could be rendered."""
    lines = [
        f"-- alembic: revision {revision.id}",
        f"-- alembic: revises {', '.join(revision.parents)}".rstrip(),
    ]
    lines += _direction("up", revision, revision.up, dialect)
    if isinstance(revision.down, Irreversible):
        lines += ["", f"-- There is no way down: {revision.down.reason}"]
    else:
        lines += ["", *_direction("down", revision, revision.down, dialect)]
    return "\n".join(lines) + "\n"


def _direction(
    word: str, revision: Revision, rendering: Rendered | Unrendered, dialect: Dialect
) -> list[str]:
    if isinstance(rendering, Unrendered):
        return [f"-- migrate:{word}", *_by_hand(word, revision, rendering, dialect)]
    options = {
        "transaction:false": not rendering.transaction,
        "foreign_keys:off": rendering.rebuilds and dialect is Dialect.SQLITE,
    }
    marker = " ".join([f"-- migrate:{word}", *(name for name, is_on in options.items() if is_on)])
    return [marker, *map(_ended, rendering.statements)]


def _by_hand(
    word: str, revision: Revision, rendering: Unrendered, dialect: Dialect
) -> Iterable[str]:
    """Yield what is to be replaced: a statement that fails, and what there is to go by."""
    where = f"{revision.path}:{rendering.line}" if rendering.line else revision.path
    yield f"-- {UNFINISHED}: {rendering.reason} ({where})."
    yield f"-- Write what {word}grade() does in place of everything up to the end of this part."
    yield _failing(f"{UNFINISHED}: {rendering.reason}", dialect)
    if rendering.statements:
        yield "-- What it said before that:"
        yield from _quoted("\n".join(map(_ended, rendering.statements)))
    yield "-- The revision:"
    yield from _quoted(revision.source)


def _failing(sentence: str, dialect: Dialect) -> str:
    """Return a statement whose error is that sentence.

    SQLite raises words of one's own only in triggers, but it names the column that it misses.
    """
    if dialect is Dialect.SQLITE:
        return f"SELECT [{sentence.translate(_ROUND)}];"
    quoted = sentence.replace("'", "''")
    return (
        f"DO $unfinished$ BEGIN RAISE EXCEPTION USING MESSAGE = '{quoted}'; END $unfinished$;"
        if "$unfinished$" not in quoted
        else f'SELECT "{UNFINISHED}";'
    )


def _quoted(text: str) -> list[str]:
    return [f"{_COMMENT}{line}".rstrip() for line in text.splitlines()]


def _ended(statement: str) -> str:
    """Return a statement with its semicolon, which no comment at its end may swallow."""
    last = statement.rpartition("\n")[2]
    return f"{statement}\n;" if "--" in last else f"{statement};"
