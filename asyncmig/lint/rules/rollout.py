"""Rules about what the code that still runs during a deploy needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asyncmig.lint.finding import Severity
from asyncmig.lint.objects import created_object, dropped_objects
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import renamed_table, touched_tables
from asyncmig.lint.words import Words, commas_apart
from asyncmig.migration import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Part, Sentence, Subject

_NO_COLUMN = ("CONSTRAINT", "EXPRESSION", "DEFAULT", "IDENTITY", "NOT NULL")


class _Name(NamedTuple):
    """What code can call by its name: a table, or a column of one."""

    table: str
    column: str = ""

    def __str__(self) -> str:
        return f"column {self.column} of {self.table}" if self.column else f"table {self.table}"


def breaks_running_code(subject: Subject) -> Iterator[Flaw]:
    """Find a name that the old code may use, and that is gone after the migration."""
    part = subject.up
    if part is None or part.script.phase is Phase.POST:
        return
    there = {name for sentence in part.sentences for name in _brought(sentence, part)}
    for sentence in part.sentences:
        tables = touched_tables(sentence.tokens, part.dialect)
        gone = [name for name in _taken(sentence, part) if name not in there]
        if gone and not sentence.new.issuperset(tables):
            yield Flaw(
                f"{gone[0]} is gone afterwards, and the code that still runs may need it",
                "let it wait until that is gone too: `-- migrate:up phase:post`",
                part.script,
                sentence.statement,
            )


def _taken(sentence: Sentence, part: Part) -> Iterator[_Name]:
    """Yield the names that a statement takes away, by dropping or renaming."""
    for kind, name in dropped_objects(sentence.tokens, part.dialect):
        if kind == "TABLE":
            yield _Name(name)
    if renamed := renamed_table(sentence.tokens, part.dialect):
        yield _Name(renamed[0])
    for table, action in _actions(sentence, part):
        if action.accept("DROP") and not action.accept_any(*_NO_COLUMN):
            action.accept("COLUMN")
            action.accept("IF EXISTS")
            yield _Name(table, action.name())
        elif _renames_column(action):
            yield _Name(table, action.name())


def _brought(sentence: Sentence, part: Part) -> Iterator[_Name]:
    """Yield the names that a statement makes: a view will do where there was a table."""
    created = created_object(sentence.tokens, part.dialect)
    if created and created[0] in {"TABLE", "VIEW"}:
        yield _Name(created[1])
    if renamed := renamed_table(sentence.tokens, part.dialect):
        yield _Name(renamed[1])
    for table, action in _actions(sentence, part):
        if action.accept("ADD"):
            action.accept("COLUMN")
            action.accept("IF NOT EXISTS")
            yield _Name(table, action.name())
        elif _renames_column(action):
            action.name()
            if action.accept("TO"):
                yield _Name(table, action.name())


def _renames_column(action: Words) -> bool:
    """Read up to the old name of a column that is renamed; tell whether one is."""
    if not action.accept("RENAME") or action.accept_any("TO", "CONSTRAINT"):
        return False
    action.accept("COLUMN")
    return True


def _actions(sentence: Sentence, part: Part) -> Iterator[tuple[str, Words]]:
    """Yield what ALTER TABLE does, with the table; nothing for another statement."""
    words = Words(sentence.tokens, part.dialect)
    if words.accept("ALTER TABLE"):
        words.accept("IF EXISTS")
        words.accept("ONLY")
        table = words.name()
        words.accept("*")
        for action in commas_apart(words.rest):
            yield table, Words(action, part.dialect)


RULES = (Rule("breaks-running-code", Severity.WARNING, breaks_running_code, POSTGRESQL),)
