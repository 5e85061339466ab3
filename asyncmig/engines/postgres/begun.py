"""The savepoint between our beginning of a step's transaction and the author's code.

It ends with its transaction. So one that can be released at the end is in the transaction that was
begun, whatever the author's code did in between, and nobody has to remember an id. And before that
it is where a part of the code can be taken back to, or tells that none of the end was reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import ServerError

_NAME = "asyncmig_begun"

BEGUN = f"SAVEPOINT {_NAME};"
"""Comes last of what is ours, in front of the author's code."""

BACK = f"ROLLBACK TO SAVEPOINT {_NAME};"
"""Take back all that the author's code did. It fails once the end was reached."""

STILL_OURS = f"RELEASE SAVEPOINT {_NAME};"
"""Comes first of what is ours, behind the author's code: fails unless the transaction is ours."""

_NO_TRANSACTION = "25P01"
_NO_SAVEPOINT = "3B001"


def is_lost(error: ServerError) -> bool:
    """Tell whether the server refused something because our transaction had ended."""
    if error.sqlstate == _NO_SAVEPOINT:
        return _NAME in error.message
    return error.sqlstate == _NO_TRANSACTION
