"""Rules about rows that are copied from table to table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject


def copy_by_position(subject: Subject) -> Iterator[Flaw]:
    """Find INSERT INTO … SELECT *, which pairs the columns by their place."""
    part = subject.up
    if part is None:
        return
    for sentence in part.sentences:
        words = Words(sentence.tokens, part.dialect)
        if not words.accept("INSERT"):
            continue
        words.accept_any("OR IGNORE", "OR REPLACE")
        words.accept("INTO")
        table = words.name()
        if words.accept("SELECT *"):
            yield Flaw(
                f"the columns of {table} are filled by their place, whatever they are called",
                "write the names, in the INSERT and in the SELECT",
                part.script,
                sentence.statement,
            )


RULES = (Rule("copy-by-position", Severity.WARNING, copy_by_position),)
