"""Rules about what is in a file, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw

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


def irreversible(subject: Subject) -> Iterator[Flaw]:
    """Find a migration without a way down."""
    if subject.migration.down is None and not subject.is_repeatable:
        yield Flaw(
            "there is no way down",
            "write it below `-- migrate:down` (`async def down` in Python)",
            subject.migration.up,
        )


RULES = (
    Rule("empty", Severity.NOTICE, empty),
    Rule("irreversible", Severity.NOTICE, irreversible, on_request=True),
)
