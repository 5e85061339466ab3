"""Rules about the transaction that a migration runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw
from asyncmig.sql import (
    Dialect,
    TransactionControl,
    autocommit_reason,
    foreign_keys_pragma,
    transaction_control,
    without_outer_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Part, Subject
    from asyncmig.sql import Statement

_MAY_COMMIT = frozenset({"CALL", "DO", "EXECUTE"})
"""What may run a COMMIT that cannot be seen."""


def cannot_run_in_transaction(subject: Subject) -> Iterator[Flaw]:
    """Find what the database refuses inside a transaction, or ignores, in a file without marker."""
    for part in subject.parts:
        if not part.script.transaction:
            continue
        for statement in part.statements:
            if reason := autocommit_reason(statement, part.dialect):
                yield Flaw(
                    f"{reason} cannot run inside a transaction",
                    f"give it {part.script.file_of_its_own}",
                    part.script,
                    statement,
                )


def transaction_control_inside(subject: Subject) -> Iterator[Flaw]:
    """Find what would end the transaction of the runner, or leave one of the file's own open."""
    for part in subject.parts:
        yield from _in_ours(part) if part.script.transaction else _in_its_own(part)


def _in_ours(part: Part) -> Iterator[Flaw]:
    for statement in without_outer_transaction(_seen_by_runner(part), part.dialect):
        control = transaction_control(statement, part.dialect)
        if control is not None and not control.is_nested:
            yield Flaw(
                f"{statement.words[0]} in the middle of a file that runs in one transaction",
                "take it out: the file is one transaction already, together with its history",
                part.script,
                statement,
            )


def _in_its_own(part: Part) -> Iterator[Flaw]:
    """Find a BEGIN without COMMIT, or the other way round, where the file is on its own."""
    begun: Statement | None = None
    for statement in part.statements:
        control = transaction_control(statement, part.dialect)
        if control is TransactionControl.BEGIN and begun is None:
            begun = statement
        elif control is TransactionControl.COMMIT and begun is not None:
            begun = None
        elif control is not None and not control.is_nested:
            message = f"{statement.words[0]} does not end a BEGIN of this file with COMMIT"
            yield Flaw(message, "write BEGIN and COMMIT in pairs", part.script, statement)
    if begun is not None:
        message = "the file ends inside this BEGIN, without COMMIT"
        yield Flaw(message, "write BEGIN and COMMIT in pairs", part.script, begun)


def redundant_transaction(subject: Subject) -> Iterator[Flaw]:
    """Find a BEGIN … COMMIT pair around a file, which asyncmig leaves out."""
    for part in subject.parts:
        seen = _seen_by_runner(part)
        left = without_outer_transaction(seen, part.dialect)
        if part.script.transaction and len(left) < len(seen):
            yield Flaw(
                "BEGIN … COMMIT around the whole file is left out",
                "take the pair out: asyncmig's own transaction is around the file and its history",
                part.script,
                seen[0],
            )


def _seen_by_runner(part: Part) -> list[Statement]:
    """Return the statements without the pragma that asyncmig takes out in front of its BEGIN."""
    if part.dialect is not Dialect.SQLITE:
        return list(part.statements)
    return [one for one in part.statements if foreign_keys_pragma(one) is None]


def needless_transaction_false(subject: Subject) -> Iterator[Flaw]:
    """Find a single statement that could commit together with its history, and does not."""
    for part in subject.parts:
        if part.script.transaction or len(part.statements) != 1:
            continue
        (statement,) = part.statements
        needs_it = (
            autocommit_reason(statement, part.dialect)
            or statement.words[:1] == ("PRAGMA",)
            or not _MAY_COMMIT.isdisjoint(statement.words[:1])
        )
        if not needs_it:
            yield Flaw(
                "transaction:false, and nothing in the file needs it",
                "leave it out: in a transaction the statement and its history commit together",
                part.script,
                statement,
            )


RULES = (
    Rule("cannot-run-in-transaction", Severity.ERROR, cannot_run_in_transaction),
    Rule("transaction-control", Severity.ERROR, transaction_control_inside),
    Rule("redundant-transaction", Severity.NOTICE, redundant_transaction),
    Rule("needless-transaction-false", Severity.WARNING, needless_transaction_false),
)
