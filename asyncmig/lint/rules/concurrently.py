"""Rules about indexes that are built without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Part, Sentence, Subject


def concurrently_if_not_exists(subject: Subject) -> Iterator[Flaw]:
    """Find IF NOT EXISTS, which takes an invalid index for the one that was wanted."""
    for part, sentence, words in _builds(subject):
        if words.accept("IF NOT EXISTS"):
            yield Flaw(
                "IF NOT EXISTS is content with the invalid index that an interrupted build leaves",
                "leave IF NOT EXISTS out: asyncmig knows how far the file got, and drops an "
                "invalid index before it builds it again",
                part.script,
                sentence.statement,
            )


def concurrently_without_name(subject: Subject) -> Iterator[Flaw]:
    """Find an index without a name, which cannot be found again after a kill."""
    for part, sentence, words in _builds(subject):
        if words.accept("ON"):
            yield Flaw(
                "an index without a name cannot be found again when the build is interrupted",
                "name it: CREATE INDEX CONCURRENTLY the_name ON …",
                part.script,
                sentence.statement,
            )


def _builds(subject: Subject) -> Iterator[tuple[Part, Sentence, Words]]:
    """Yield what builds an index concurrently, read up to the name."""
    for part in subject.parts:
        for sentence in part.sentences:
            words = Words(sentence.tokens, part.dialect)
            if words.accept_any("CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY"):
                yield part, sentence, words


RULES = (
    Rule("concurrently-if-not-exists", Severity.WARNING, concurrently_if_not_exists, POSTGRESQL),
    Rule("concurrently-without-name", Severity.WARNING, concurrently_without_name, POSTGRESQL),
)
