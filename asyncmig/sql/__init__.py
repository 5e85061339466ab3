"""Reads SQL the way the database does, as far as a migration runner has to.

Cuts a script into statements without losing a character, recognises transaction control and
what cannot run in a transaction, and turns offsets into lines and columns. Pure functions over
text; no SQL is run, changed or understood any further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.sql.autocommit import autocommit_reason
    from asyncmig.sql.batches import (
        PLACEHOLDER,
        changes_rows,
        has_placeholder,
        with_batch_size,
    )
    from asyncmig.sql.comments import Comment, line_comments_at_column_zero
    from asyncmig.sql.dialect import Dialect
    from asyncmig.sql.lexer import solid_spans
    from asyncmig.sql.position import Position, line_at, position_at
    from asyncmig.sql.pragmas import Pragma, foreign_keys_pragma, pragma
    from asyncmig.sql.problems import Problem, problem
    from asyncmig.sql.redaction import without_literals
    from asyncmig.sql.statements import Statement, spelled_out, split
    from asyncmig.sql.transactions import (
        TransactionControl,
        transaction_control,
        without_outer_transaction,
    )

_HOMES = {
    "PLACEHOLDER": "batches",
    "Comment": "comments",
    "Dialect": "dialect",
    "Position": "position",
    "Pragma": "pragmas",
    "Problem": "problems",
    "Statement": "statements",
    "TransactionControl": "transactions",
    "autocommit_reason": "autocommit",
    "changes_rows": "batches",
    "foreign_keys_pragma": "pragmas",
    "has_placeholder": "batches",
    "line_at": "position",
    "line_comments_at_column_zero": "comments",
    "position_at": "position",
    "pragma": "pragmas",
    "problem": "problems",
    "solid_spans": "lexer",
    "spelled_out": "statements",
    "split": "statements",
    "transaction_control": "transactions",
    "without_literals": "redaction",
    "with_batch_size": "batches",
    "without_outer_transaction": "transactions",
}

__all__ = [
    "PLACEHOLDER",
    "Comment",
    "Dialect",
    "Position",
    "Pragma",
    "Problem",
    "Statement",
    "TransactionControl",
    "autocommit_reason",
    "changes_rows",
    "foreign_keys_pragma",
    "has_placeholder",
    "line_at",
    "line_comments_at_column_zero",
    "position_at",
    "pragma",
    "problem",
    "solid_spans",
    "spelled_out",
    "split",
    "transaction_control",
    "with_batch_size",
    "without_literals",
    "without_outer_transaction",
]

__getattr__ = names_of(__name__, _HOMES)
