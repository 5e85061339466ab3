"""Rules about repeatable migrations, which run again whenever their file changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.objects import created_object, dropped_objects
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import touched_tables
from asyncmig.lint.words import Words, commas_apart, has_phrase
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.lint.subject import Part, Sentence, Subject

_ALTERS_SHAPE = frozenset({"ADD", "DROP", "RENAME", "ALTER"})
_GUARDS = frozenset({"CONFLICT", "EXISTS", "IGNORE", "REPLACE", "EXCEPT"})


def versioned_ddl(subject: Subject) -> Iterator[Flaw]:
    """Find a change of tables, which has its place in an order."""
    for part, sentence in _repeated(subject):
        if _shapes_a_table(sentence.tokens, part.dialect):
            yield Flaw(
                "a table is changed by a file that runs again whenever it changes",
                "give it a version: `asyncmig new NAME`",
                part.script,
                sentence.statement,
            )


def create_fails_again(subject: Subject) -> Iterator[Flaw]:
    """Find a CREATE that fails when the file runs for the second time."""
    dropped: set[tuple[str, str]] = set()
    for part, sentence in _repeated(subject):
        if has_phrase(sentence.tokens, "IF EXISTS"):
            dropped.update(dropped_objects(sentence.tokens, part.dialect))
        created = created_object(sentence.tokens, part.dialect)
        if created is None:
            continue
        kind, name, again = created
        if kind != "TABLE" and not again and (kind, name) not in dropped:  # of tables, see above
            yield Flaw(
                f"CREATE {kind} fails when the file runs again, because {name} is there",
                _again(kind, name, part.dialect),
                part.script,
                sentence.statement,
            )


def insert_again(subject: Subject) -> Iterator[Flaw]:
    """Find rows that are inserted once more each time the file runs."""
    emptied: set[str] = set()
    for part, sentence in _repeated(subject):
        tables = touched_tables(sentence.tokens, part.dialect)
        if sentence.tokens[0] in {"DELETE", "TRUNCATE"}:
            emptied.update(tables)
        elif (
            sentence.tokens[:2] == ("INSERT", "INTO")
            and _GUARDS.isdisjoint(sentence.tokens)
            and not emptied.union(sentence.new).issuperset(tables)
        ):
            yield Flaw(
                "these rows are inserted again whenever the file changes",
                "add ON CONFLICT DO NOTHING, or empty the table first",
                part.script,
                sentence.statement,
            )


def _repeated(subject: Subject) -> Iterator[tuple[Part, Sentence]]:
    """Yield the statements of a repeatable migration; none of another."""
    if subject.up is not None and subject.is_repeatable:
        for sentence in subject.up.sentences:
            yield subject.up, sentence


def _shapes_a_table(tokens: Sequence[str], dialect: Dialect) -> bool:
    """Tell whether a statement makes, drops or changes a table that stays."""
    words = Words(tokens, dialect)
    if words.accept_any("CREATE TABLE", "CREATE UNLOGGED TABLE", "DROP TABLE"):
        return True
    if not words.accept("ALTER TABLE"):
        return False
    words.accept("IF EXISTS")
    words.accept("ONLY")
    words.name()
    return any(action[:1] and action[0] in _ALTERS_SHAPE for action in commas_apart(words.rest))


def _again(kind: str, name: str, dialect: Dialect) -> str:
    """Return how to write a CREATE that can be repeated."""
    if dialect is Dialect.POSTGRESQL and kind in {"FUNCTION", "PROCEDURE", "VIEW", "RULE"}:
        return f"write CREATE OR REPLACE {kind}, or DROP {kind} IF EXISTS {name} in front of it"
    return f"write DROP {kind} IF EXISTS {name} in front of it"


RULES = (
    Rule("versioned-ddl-in-repeatable", Severity.WARNING, versioned_ddl),
    Rule("repeatable-create-fails-again", Severity.ERROR, create_fails_again),
    Rule("repeatable-inserts-again", Severity.WARNING, insert_again),
)
