"""Rules about asyncmig's own table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import touched_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject


def history_table(subject: Subject) -> Iterator[Flaw]:
    """Find a file that changes the history."""
    ours = subject.around.history_table
    for part in subject.parts:
        for sentence in part.sentences:
            tables = touched_tables(sentence.tokens, part.dialect)
            if any(table.rpartition(".")[2] == ours for table in tables):
                yield Flaw(
                    f"{ours} is asyncmig's own: a row that is changed here is applied twice, or "
                    "never",
                    "say what is true with `asyncmig repair` or `asyncmig baseline` instead",
                    part.script,
                    sentence.statement,
                )


RULES = (Rule("history-table", Severity.ERROR, history_table),)
