"""What a statement creates and drops besides tables: views, functions, indexes and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.words import Words, behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.sql import Dialect

_ADJECTIVES = (
    "CONSTRAINT",
    "EVENT",
    "FOREIGN",
    "GLOBAL",
    "LOCAL",
    "RECURSIVE",
    "TEMP",
    "TEMPORARY",
    "UNIQUE",
    "UNLOGGED",
    "VIRTUAL",
)
KINDS = (
    "AGGREGATE",
    "DOMAIN",
    "EXTENSION",
    "FUNCTION",
    "INDEX",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "ROLE",
    "RULE",
    "SCHEMA",
    "SEQUENCE",
    "STATISTICS",
    "TABLE",
    "TRIGGER",
    "TYPE",
    "VIEW",
)


def created_object(tokens: Sequence[str], dialect: Dialect) -> tuple[str, str, bool] | None:
    """Return the kind and the name of what a statement creates; ``None`` if it creates nothing.

    The third part tells whether the statement may run twice: OR REPLACE, IF NOT EXISTS.
    """
    words = Words(tokens, dialect)
    if not words.accept("CREATE"):
        return None
    again = words.accept("OR REPLACE")
    kind = read_kind(words)
    words.accept("CONCURRENTLY")
    again = words.accept("IF NOT EXISTS") or again
    name = words.name()
    return (kind, name, again) if kind and name else None


def dropped_objects(tokens: Sequence[str], dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield kind and name of everything that a statement drops, constraints of a table too."""
    words = Words(tokens, dialect)
    if words.accept("DROP"):
        kind = read_kind(words)
        words.accept("CONCURRENTLY")
        words.accept("IF EXISTS")
        yield from ((kind, name) for name in words.names() if kind)
    elif words.accept("ALTER TABLE"):
        rest = behind(words.rest, "DROP CONSTRAINT") or ()
        constraint = Words(rest, dialect)
        constraint.accept("IF EXISTS")
        if name := constraint.name():
            yield "CONSTRAINT", name


def makes_again(tokens: Sequence[str], dialect: Dialect, what: tuple[str, str]) -> bool:
    """Tell whether a statement creates a thing of that kind and name."""
    kind, name = what
    if kind == "CONSTRAINT":
        rest = behind(tokens, "ADD CONSTRAINT")
        return rest is not None and Words(rest, dialect).name() == name
    created = created_object(tokens, dialect)
    return created is not None and created[:2] == what


def read_kind(words: Words) -> str:
    """Read what is created or dropped: VIEW, MATERIALIZED VIEW, TRIGGER and so on."""
    while words.accept_any(*_ADJECTIVES):
        pass
    return words.accept_any(*KINDS)
