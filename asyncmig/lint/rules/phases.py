"""Rules about what waits until the new code is everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.postponed import Debt, Fate
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.migration import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject

BUILDS_ON_POSTPONED = "builds-on-postponed"


def builds_on_postponed(subject: Subject) -> Iterator[Flaw]:
    """Find what takes for done what a former file does only when the new code is everywhere."""
    part = subject.up
    if part is None or part.script.phase is Phase.POST:
        return
    said: set[str] = set()
    for sentence in part.sentences:
        owed = subject.postponed.owed(sentence.tokens, part.dialect)
        debt = next((one for one in owed if said.isdisjoint(_names(one))), None)
        if debt is not None:
            said.add(str(debt.thing))
            yield Flaw(
                _SENTENCES[debt.fate].format(thing=debt.thing, file=debt.path),
                "write `phase:post` on this file's marker too; or take it out of "
                f"{debt.path}, if that may run before the new code, or has run everywhere",
                part.script,
                sentence.statement,
            )


def _names(debt: Debt) -> set[str]:
    """Return what it is called, and the table of a column: once that is said, enough is said."""
    return {str(debt.thing), f"table {debt.thing.of}"}


_SENTENCES = {
    Fate.BRINGS: "{thing} comes with {file}, which waits for the new code and may be pending",
    Fate.TAKES: (
        "{thing} is taken away by {file}, which waits for the new code: until then the name is "
        "not free"
    ),
    Fate.REMAKES: (
        "{thing} is made anew by {file}, which waits for the new code and would undo this"
    ),
}

RULES = (Rule(BUILDS_ON_POSTPONED, Severity.ERROR, builds_on_postponed),)
