"""Rules about what the code that still runs during a deploy needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.objects import dropped_objects, makes_again
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import touched_tables
from asyncmig.lint.words import Words, commas_apart
from asyncmig.migration import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Part, Sentence, Subject

_NO_COLUMN = ("CONSTRAINT", "EXPRESSION", "DEFAULT", "IDENTITY", "NOT NULL")


def breaks_running_code(subject: Subject) -> Iterator[Flaw]:
    """Find a table or column that goes away, or gets another name, while the old code runs."""
    part = subject.up
    if part is None or part.script.phase is Phase.POST:
        return
    for sentence in part.sentences:
        tables = touched_tables(sentence.tokens, part.dialect)
        if tables and sentence.new.issuperset(tables):
            continue
        if what := _dropped_table(sentence, part) or _changed_column(sentence, part):
            yield Flaw(
                f"{what} while the code that still runs may need it",
                "let it wait until that is gone: `-- migrate:up phase:post`",
                part.script,
                sentence.statement,
            )


def _dropped_table(sentence: Sentence, part: Part) -> str:
    """Return what happens to a table that is dropped and not made again."""
    for kind, name in dropped_objects(sentence.tokens, part.dialect):
        if kind == "TABLE" and not _is_made_again(part, (kind, name)):
            return f"table {name} is dropped"
    return ""


def _changed_column(sentence: Sentence, part: Part) -> str:
    """Return what ALTER TABLE takes away; empty when it takes nothing."""
    words = Words(sentence.tokens, part.dialect)
    if not words.accept("ALTER TABLE"):
        return ""
    words.accept("IF EXISTS")
    words.accept("ONLY")
    table = words.name()
    words.accept("*")
    effects = (_effect(Words(one, part.dialect), table, part) for one in commas_apart(words.rest))
    return next(filter(None, effects), "")


def _effect(action: Words, table: str, part: Part) -> str:
    """Return what one action takes away; empty for any other."""
    if action.accept("DROP") and not action.accept_any(*_NO_COLUMN):
        action.accept("COLUMN")
        action.accept("IF EXISTS")
        return f"column {action.name()} is dropped"
    if action.accept("RENAME TO"):
        # A view under the old name is how a table is renamed without anybody noticing.
        has_view = _is_made_again(part, ("VIEW", table)) or _is_made_again(part, ("TABLE", table))
        return "" if has_view else f"table {table} gets another name"
    if action.accept("RENAME") and not action.accept("CONSTRAINT"):
        action.accept("COLUMN")
        return f"column {action.name()} gets another name"
    return ""


def _is_made_again(part: Part, what: tuple[str, str]) -> bool:
    """Tell whether the file creates a thing of that kind and name."""
    return any(makes_again(one.tokens, part.dialect, what) for one in part.sentences)


RULES = (Rule("breaks-running-code", Severity.WARNING, breaks_running_code, POSTGRESQL),)
