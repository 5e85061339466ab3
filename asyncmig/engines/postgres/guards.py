"""Conditions that a message of several statements goes on under.

The server skips the rest of a message after an error. So a guard is a statement that fails unless
its condition holds, in plain SQL: an integer cannot be read from a sentence. Which sentence it was
is quoted in the server's answer, in every language. Each statement of a message has a snapshot of
its own (READ COMMITTED), so a guard sees what was committed before the one in front of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.refusals import FenceTakenError

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import ServerError

_INVALID_TEXT = "22P02"


class Guard(StrEnum):
    """What did not hold. The server's log shows these sentences."""

    FENCE = "asyncmig: another runner is in its transaction"
    HISTORY = "asyncmig: the history has moved on"
    OWNER = "asyncmig: the history belongs to another role"


def unless(condition: str, guard: Guard) -> str:
    """Return a statement that fails, and skips the rest of its message, unless that is true."""
    return f"SELECT {only_if(condition, guard, 0)};"


def only_if(condition: str, guard: Guard, number: int) -> str:
    """Return an expression that is the number, and fails unless the condition is true."""
    return f"(CASE WHEN {condition} THEN '{number}' ELSE '{guard}' END)::bigint"


def guard_of(error: ServerError) -> Guard | None:
    """Return the guard that failed, ``None`` when it was something else."""
    if error.sqlstate != _INVALID_TEXT:
        return None
    return next((guard for guard in Guard if guard in error.message), None)


def refuse_entry(error: ServerError) -> None:
    """Tell why a transaction is not to go on, when it was a guard that said so.

    Raises:
        FenceTakenError: Another runner is in one.
        HistoryMovedError: The history is not the one that was planned from.
    """
    guard = guard_of(error)
    if guard is Guard.FENCE:
        raise FenceTakenError from error
    if guard is Guard.HISTORY:
        raise HistoryMovedError from error
