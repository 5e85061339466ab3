"""Rules about enumerations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject


def new_enum_value_used(subject: Subject) -> Iterator[Flaw]:
    """Find the use of an enumeration's value before the transaction that adds it is committed.

    PostgreSQL refuses it with 55P04 (manual, ALTER TYPE). Since 17 not where the type itself is as
    new, but 14 to 16 do: tried.
    """
    part = subject.up
    if part is None or not part.script.transaction:
        return
    added: set[str] = set()
    for sentence in part.sentences:
        words = Words(sentence.tokens, part.dialect)
        if words.accept("ALTER TYPE"):
            words.name()
            if words.accept("ADD VALUE"):
                words.accept("IF NOT EXISTS")
                added.add("".join(words.rest[:1]))
        elif used := added.intersection(sentence.tokens):
            yield Flaw(
                f"{min(used)} is used in the transaction that adds it, which PostgreSQL refuses",
                "use it in the next migration",
                part.script,
                sentence.statement,
            )


RULES = (Rule("new-enum-value-used", Severity.ERROR, new_enum_value_used, POSTGRESQL),)
