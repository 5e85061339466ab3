"""Recognises the statements that begin, end or structure a transaction."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.sql.dialect import Dialect
from asyncmig.sql.statements import statement_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.sql.statements import Statement


class TransactionControl(StrEnum):
    """Say what a statement does to the transaction around it."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback to"
    PREPARE = "prepare transaction"
    COMMIT_PREPARED = "commit prepared"
    ROLLBACK_PREPARED = "rollback prepared"

    @property
    def is_nested(self) -> bool:
        """Tell whether it works inside a transaction and leaves that open: savepoints do."""
        return self in NESTED


NESTED = frozenset(
    {TransactionControl.SAVEPOINT, TransactionControl.RELEASE, TransactionControl.ROLLBACK_TO}
)

# PostgreSQL: gram.y, TransactionStmt. SQLite: https://sqlite.org/lang_transaction.html. None of
# them can begin another statement, so the first words are enough.
FIRST_WORDS = {
    "BEGIN": TransactionControl.BEGIN,
    "COMMIT": TransactionControl.COMMIT,
    "END": TransactionControl.COMMIT,
    "ROLLBACK": TransactionControl.ROLLBACK,
    "SAVEPOINT": TransactionControl.SAVEPOINT,
    "RELEASE": TransactionControl.RELEASE,
}
POSTGRESQL_FIRST_WORDS = {**FIRST_WORDS, "ABORT": TransactionControl.ROLLBACK}
POSTGRESQL_FIRST_TWO = {
    "START TRANSACTION": TransactionControl.BEGIN,
    "PREPARE TRANSACTION": TransactionControl.PREPARE,
    "COMMIT PREPARED": TransactionControl.COMMIT_PREPARED,
    "ROLLBACK PREPARED": TransactionControl.ROLLBACK_PREPARED,
}
NOISE = frozenset({"WORK", "TRANSACTION"})

# The pairs that say no more than asyncmig's own BEGIN and COMMIT do; an isolation level other
# than READ COMMITTED, READ ONLY or AND CHAIN would be lost with the pair.
MODE = "(?:ISOLATION LEVEL READ COMMITTED|READ WRITE|NOT DEFERRABLE)"
PLAIN_BEGIN = {
    Dialect.POSTGRESQL: re.compile(
        rf"(?:BEGIN(?: WORK| TRANSACTION)?|START TRANSACTION)(?: {MODE}(?:(?: ,)? {MODE})*)?"
    ),
    # asyncmig begins IMMEDIATE: stronger than DEFERRED, and where EXCLUSIVE differs it only
    # keeps readers out, who see nothing before the COMMIT anyway.
    Dialect.SQLITE: re.compile(r"BEGIN(?: DEFERRED| IMMEDIATE| EXCLUSIVE)?(?: TRANSACTION)?"),
}
PLAIN_COMMIT = {
    Dialect.POSTGRESQL: re.compile(r"(?:COMMIT|END)(?: WORK| TRANSACTION)?(?: AND NO CHAIN)?"),
    Dialect.SQLITE: re.compile(r"(?:COMMIT|END)(?: TRANSACTION)?"),
}


def transaction_control(statement: Statement, dialect: Dialect) -> TransactionControl | None:
    """Return what a statement does to the transaction around it; None for ordinary ones."""
    words = statement.words
    if not words:
        return None
    if dialect is Dialect.POSTGRESQL:
        two = POSTGRESQL_FIRST_TWO.get(" ".join(words[:2]))
        control = two or POSTGRESQL_FIRST_WORDS.get(words[0])
    else:
        control = FIRST_WORDS.get(words[0])
    if control is TransactionControl.ROLLBACK and rolls_back_to_savepoint(words):
        return TransactionControl.ROLLBACK_TO
    return control


def rolls_back_to_savepoint(words: tuple[str, ...]) -> bool:
    """Tell ROLLBACK [WORK | TRANSACTION] TO … from the ROLLBACK that ends a transaction."""
    rest = words[2:] if words[1:2] and words[1] in NOISE else words[1:]
    return rest[:1] == ("TO",)


def without_outer_transaction(
    statements: Sequence[Statement], dialect: Dialect
) -> tuple[Statement, ...]:
    """Leave out a BEGIN … COMMIT pair around the whole of a script.

    Inside a transaction of ours the pair adds nothing, and its COMMIT would end ours. It is
    left out only when it is plain (no isolation level but READ COMMITTED, not READ ONLY, no AND
    CHAIN) and when nothing but savepoints is between.

    Returns:
        The statements without the pair, empty ones kept; all of them where there is no such pair.
    """
    everything = tuple(statements)
    filled = [at for at, statement in enumerate(everything) if not statement.is_empty]
    if len(filled) < 2:  # noqa: PLR2004 - a pair
        return everything
    first, last = filled[0], filled[-1]
    inner = everything[first + 1 : last]
    is_pair = (
        is_plain(everything[first], dialect, PLAIN_BEGIN)
        and is_plain(everything[last], dialect, PLAIN_COMMIT)
        and all(leaves_transaction_open(statement, dialect) for statement in inner)
    )
    return everything[:first] + inner + everything[last + 1 :] if is_pair else everything


def is_plain(statement: Statement, dialect: Dialect, plain: dict[Dialect, re.Pattern[str]]) -> bool:
    """Tell whether a statement is one of the plain ones, from its first token to its last."""
    if transaction_control(statement, dialect) is None:
        return False
    return plain[dialect].fullmatch(" ".join(statement_tokens(statement, dialect))) is not None


def leaves_transaction_open(statement: Statement, dialect: Dialect) -> bool:
    """Tell whether a statement is no transaction control, or only that of savepoints."""
    control = transaction_control(statement, dialect)
    return control is None or control.is_nested
