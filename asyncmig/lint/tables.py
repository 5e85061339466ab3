"""Which tables a statement makes, renames and works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.words import Words, behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.sql import Dialect

_IF = ("IF NOT EXISTS", "IF EXISTS")
_KINDS_OF_TABLE = ("GLOBAL", "LOCAL", "TEMPORARY", "TEMP", "UNLOGGED", "FOREIGN", "VIRTUAL")


def created_table(tokens: Sequence[str], dialect: Dialect) -> str:
    """Return the table or materialized view that a statement makes, empty when it makes none."""
    words = Words(tokens, dialect)
    if not words.accept("CREATE"):
        return ""
    while words.accept_any(*_KINDS_OF_TABLE):
        pass
    if not words.accept_any("TABLE", "MATERIALIZED VIEW"):
        return ""
    words.accept_any(*_IF)
    return words.name()


def renamed_table(tokens: Sequence[str], dialect: Dialect) -> tuple[str, str] | None:
    """Return the old and the new name when a statement renames a table."""
    words = Words(tokens, dialect)
    if not words.accept("ALTER TABLE"):
        return None
    words.accept_any(*_IF)
    words.accept("ONLY")
    old = words.name()
    return (old, words.name()) if words.accept("RENAME TO") else None


def dropped_tables(tokens: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """Return the tables that a statement drops."""
    words = Words(tokens, dialect)
    if not words.accept_any("DROP TABLE", "DROP MATERIALIZED VIEW"):
        return ()
    words.accept_any(*_IF)
    return tuple(words.names())


def referenced_tables(tokens: Sequence[str], dialect: Dialect) -> Iterator[str]:
    """Yield the tables that the foreign keys of a statement refer to."""
    for at, token in enumerate(tokens):
        if token == "REFERENCES":  # noqa: S105 - no password
            yield Words(tokens[at + 1 : at + 6], dialect).name()


def touched_tables(tokens: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """Return the tables that a statement locks or writes; none when that cannot be seen.

    Those that its foreign keys refer to are not among them.
    """
    words = Words(tokens, dialect)
    if words.accept("CREATE"):
        return _under_what_is_created(words)
    if phrase := words.accept_any(*_SEVERAL):
        _skip_noise(words, phrase)
        return tuple(words.names())
    if phrase := words.accept_any(*_ONE):
        _skip_noise(words, phrase)
        found = words.name()
        return (found,) if found else ()
    return ()


# Longer phrases in front of those that they begin with.
_SEVERAL = (
    "DROP TABLE",
    "DROP MATERIALIZED VIEW",
    "TRUNCATE TABLE",
    "TRUNCATE",
    "LOCK TABLE",
    "LOCK",
)
_ONE = (
    "ALTER TABLE",
    "ALTER MATERIALIZED VIEW",
    "UPDATE",
    "DELETE FROM",
    "INSERT INTO",
    "REPLACE INTO",
    "REINDEX TABLE",
    "CLUSTER",
    "REFRESH MATERIALIZED VIEW",
)
_UPDATE_OR = ("OR ABORT", "OR FAIL", "OR IGNORE", "OR REPLACE", "OR ROLLBACK")


def _skip_noise(words: Words, phrase: str) -> None:
    """Read what may stand between a command and the name of its table."""
    words.accept_any(*_IF)
    words.accept_any("VERBOSE", "CONCURRENTLY", *(_UPDATE_OR if phrase == "UPDATE" else ()))
    words.accept("ONLY")


def _under_what_is_created(words: Words) -> tuple[str, ...]:
    """Return the table under a new index, trigger or policy, and above a new partition."""
    words.accept("OR REPLACE")
    words.accept("UNIQUE")
    words.accept("CONSTRAINT")
    kind = words.accept_any("INDEX", "TRIGGER", "POLICY", "STATISTICS")
    rest = behind(words.rest, "ON" if kind else "PARTITION OF")
    if rest is None:
        return ()
    under = Words(rest, words.dialect)
    under.accept("ONLY")
    found = under.name()
    return (found,) if found else ()
