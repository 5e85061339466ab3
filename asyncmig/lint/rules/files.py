"""Rules about what is in a file, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.sql import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject


def empty(subject: Subject) -> Iterator[Flaw]:
    """Find a file that does nothing, and counts as applied."""
    if subject.up is not None and not subject.up.sentences:
        yield Flaw(
            "there is no statement in it, so it will count as applied with nothing done",
            "write it, or delete the file",
            subject.up.script,
        )


def not_sql(subject: Subject) -> Iterator[Flaw]:
    """Find what cannot be sent to the database: a command of psql, a quote left open."""
    for part in subject.parts:
        if found := problem(part.script.text, part.dialect):
            former = [one for one in part.statements if one.offset <= found.offset]
            yield Flaw(found.message, "", part.script, former[-1] if former else None)


def irreversible(subject: Subject) -> Iterator[Flaw]:
    """Find a migration without a way down."""
    if subject.migration.down is None and not subject.is_repeatable:
        yield Flaw(
            "there is no way down",
            "write it below `-- migrate:down` (`async def down` in Python)",
            subject.migration.up,
        )


RULES = (
    Rule("not-sql", Severity.ERROR, not_sql),
    Rule("empty", Severity.NOTICE, empty),
    Rule("irreversible", Severity.NOTICE, irreversible, on_request=True),
)
