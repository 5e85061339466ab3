"""The states that a history knows, and the format that it is written in."""

from __future__ import annotations

from enum import StrEnum

HISTORY_FORMAT = 1
"""The format of the history table that this release writes."""


class RowState(StrEnum):
    """How far a row of the history got. Rows change state; they are never deleted.

    ``applying`` and ``applied`` are the *active* states: at most one row of a migration and a
    direction is active, which a unique index enforces.
    """

    APPLYING = "applying"
    APPLIED = "applied"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class State(StrEnum):
    """Where a migration stands when files and history are laid side by side."""

    APPLIED = "applied"
    PENDING = "pending"
    MISSING = "missing"
    AHEAD = "ahead"
    APPLYING = "applying"
    FAILED = "failed"
    BASELINE = "baseline"
    REVERTED = "reverted"


class Problem(StrEnum):
    """Something about a migration that a person should look at."""

    CHANGED = "changed"
    OUT_OF_ORDER = "out_of_order"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    INVALID_INDEX = "invalid_index"
