"""Rules about what the code that still runs during a deploy needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.changes import change_of
from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import touched_tables
from asyncmig.migration import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject


def breaks_running_code(subject: Subject) -> Iterator[Flaw]:
    """Find a name that the old code may use, and that is gone after the migration."""
    part = subject.up
    if part is None or part.script.phase is Phase.POST:
        return
    changes = [change_of(sentence.tokens, part.dialect) for sentence in part.sentences]
    there = {thing for change in changes for thing in change.made}  # a view will do for a table
    for sentence, change in zip(part.sentences, changes, strict=True):
        tables = touched_tables(sentence.tokens, part.dialect)
        taken = (thing for thing in change.taken if thing.kind in {"TABLE", "COLUMN"})
        gone = [thing for thing in taken if thing not in there]
        if gone and not sentence.new.issuperset(tables):
            yield Flaw(
                f"{gone[0]} is gone afterwards, and the code that still runs may need it",
                "let it wait until that is gone too: `-- migrate:up phase:post`",
                part.script,
                sentence.statement,
            )


RULES = (Rule("breaks-running-code", Severity.WARNING, breaks_running_code, POSTGRESQL),)
