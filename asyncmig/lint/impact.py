"""What a statement of PostgreSQL does to those who use its tables meanwhile.

Read from the statement alone: the lock is the one that the manual (section 13.3.1 and the page of
each command) and measurements on 14 to 18 say; whether a table is large nobody can see here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from asyncmig.lint.columns import added_column_cost
from asyncmig.lint.tables import touched_tables
from asyncmig.lint.words import Words, commas_apart, has_phrase
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence


class Blocks(IntEnum):
    """Whom the locks of a statement keep out until COMMIT."""

    NOBODY = 0
    WRITERS = 1
    EVERYBODY = 2


@dataclass(frozen=True, slots=True)
class Impact:
    """What a statement does to its tables.

    Attributes:
        tables: Those that it locks; empty when they are not named, as by DROP INDEX.
        blocks: Whom it keeps out.
        cost: What takes time in proportion to the table, as a phrase behind "this statement";
            empty for a change of the catalogue alone.
    """

    tables: tuple[str, ...]
    blocks: Blocks
    cost: str = ""


def impact_of(tokens: Sequence[str]) -> Impact | None:
    """Return what a statement does to its tables; ``None`` when it is nothing worth a word."""
    tables = touched_tables(tokens, Dialect.POSTGRESQL)
    words = Words(tokens, Dialect.POSTGRESQL)
    if words.accept("ALTER TABLE"):
        return _of_alter_table(words, tables)
    if words.accept_any("CREATE INDEX", "CREATE UNIQUE INDEX"):
        return None if words.accept("CONCURRENTLY") else _builds_index(tables)
    for phrase, blocks, cost in _SIMPLE:
        if words.accept(phrase):
            return None if words.accept("CONCURRENTLY") else Impact(tables, blocks, cost)
    if words.accept_any("UPDATE", "DELETE FROM") and "WHERE" not in words.rest:
        return Impact(tables, Blocks.WRITERS, "writes every row")
    if words.accept("CREATE TABLE") and tables:  # PARTITION OF: the lock is the parent's
        return Impact(tables, Blocks.EVERYBODY)
    return None


_REWRITES = "writes the whole table anew"
_CHECKS = "reads every row to check it"
_BUILDS = "builds an index"
_SIMPLE = (
    ("DROP TABLE", Blocks.EVERYBODY, ""),
    ("DROP INDEX", Blocks.EVERYBODY, ""),
    ("TRUNCATE", Blocks.EVERYBODY, ""),
    ("LOCK", Blocks.EVERYBODY, ""),
    ("CLUSTER", Blocks.EVERYBODY, _REWRITES),
    ("REFRESH MATERIALIZED VIEW", Blocks.EVERYBODY, _REWRITES),
    # ACCESS EXCLUSIVE on the index: even to plan a query somebody has to look at it.
    ("REINDEX TABLE", Blocks.EVERYBODY, _BUILDS),
    ("REINDEX INDEX", Blocks.EVERYBODY, _BUILDS),
)


def _builds_index(tables: tuple[str, ...]) -> Impact:
    return Impact(tables, Blocks.WRITERS, _BUILDS)


def _of_alter_table(words: Words, tables: tuple[str, ...]) -> Impact:
    """Return the strongest lock and the first cost of the actions together."""
    words.accept("IF EXISTS")
    words.accept("ONLY")
    words.name()
    words.accept("*")
    effects = [_of_action(action) for action in commas_apart(words.rest)]
    blocks = max(effect[0] for effect in effects)
    cost = next((effect[1] for effect in effects if effect[1]), "")
    return Impact(tables, blocks, cost)


def _of_action(action: tuple[str, ...]) -> tuple[Blocks, str]:
    """Return what one action of ALTER TABLE does."""
    words = Words(action, Dialect.POSTGRESQL)
    if words.accept("ADD"):
        return _of_add(words)
    if words.accept("ALTER"):
        return _of_alter_column(words)
    if words.accept_any("ENABLE", "DISABLE"):
        return (Blocks.WRITERS if "TRIGGER" in action else Blocks.EVERYBODY), ""
    for phrase, blocks, cost in _ACTIONS:
        if words.accept(phrase):
            return blocks, cost
    return Blocks.EVERYBODY, ""


_ACTIONS = (
    ("VALIDATE CONSTRAINT", Blocks.NOBODY, _CHECKS),
    ("ATTACH PARTITION", Blocks.NOBODY, _CHECKS),
    ("SET (", Blocks.NOBODY, ""),
    ("RESET (", Blocks.NOBODY, ""),
    ("CLUSTER ON", Blocks.NOBODY, ""),
    ("SET WITHOUT CLUSTER", Blocks.NOBODY, ""),
    ("SET LOGGED", Blocks.EVERYBODY, _REWRITES),
    ("SET UNLOGGED", Blocks.EVERYBODY, _REWRITES),
    ("SET TABLESPACE", Blocks.EVERYBODY, _REWRITES),
    ("SET ACCESS METHOD", Blocks.EVERYBODY, _REWRITES),
)


def _of_add(words: Words) -> tuple[Blocks, str]:
    """Return what ADD COLUMN and ADD CONSTRAINT do."""
    if words.accept("CONSTRAINT"):
        words.name()
    elif not words.rest or words.rest[0] not in _CONSTRAINTS:
        words.accept("COLUMN")
        words.accept("IF NOT EXISTS")
        words.name()
        return Blocks.EVERYBODY, added_column_cost(words.rest)
    blocks = Blocks.WRITERS if words.accept("FOREIGN KEY") else Blocks.EVERYBODY
    if has_phrase(words.rest, "NOT VALID") or has_phrase(words.rest, "USING INDEX"):
        return blocks, ""
    is_index = words.accept_any("UNIQUE", "PRIMARY KEY", "EXCLUDE")
    return blocks, _BUILDS if is_index else _CHECKS


_CONSTRAINTS = frozenset({"CHECK", "UNIQUE", "PRIMARY", "FOREIGN", "EXCLUDE"})


def _of_alter_column(words: Words) -> tuple[Blocks, str]:
    """Return what ALTER COLUMN does."""
    if words.accept("CONSTRAINT"):
        return Blocks.EVERYBODY, ""
    words.accept("COLUMN")
    words.name()
    if words.accept_any("SET STATISTICS", "SET (", "RESET ("):
        return Blocks.NOBODY, ""
    if words.accept("SET NOT NULL"):
        return Blocks.EVERYBODY, _CHECKS
    if words.accept_any("TYPE", "SET DATA TYPE"):
        # From varchar, as nearly always, it is a change of the catalogue alone.
        return Blocks.EVERYBODY, "" if list(words.rest) == ["TEXT"] else _REWRITES
    return Blocks.EVERYBODY, ""
