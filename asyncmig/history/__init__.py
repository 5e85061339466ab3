"""What the database remembers, and what that says about each migration.

Values only. The engines read and write the rows; :mod:`asyncmig.plan` draws the conclusions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.history.edit import Edit, NewRow
    from asyncmig.history.entry import (
        Batches,
        Failure,
        HistoryEntry,
        Identity,
        Progress,
        identity_of,
        newest,
    )
    from asyncmig.history.history import Generation, History
    from asyncmig.history.state import HISTORY_FORMAT, Problem, RowState, State
    from asyncmig.history.status import MigrationStatus

_HOMES = {
    "Batches": "entry",
    "Edit": "edit",
    "Failure": "entry",
    "Generation": "history",
    "HISTORY_FORMAT": "state",
    "History": "history",
    "HistoryEntry": "entry",
    "Identity": "entry",
    "MigrationStatus": "status",
    "NewRow": "edit",
    "Problem": "state",
    "Progress": "entry",
    "RowState": "state",
    "State": "state",
    "identity_of": "entry",
    "newest": "entry",
}

__all__ = [
    "HISTORY_FORMAT",
    "Batches",
    "Edit",
    "Failure",
    "Generation",
    "History",
    "HistoryEntry",
    "Identity",
    "MigrationStatus",
    "NewRow",
    "Problem",
    "Progress",
    "RowState",
    "State",
    "identity_of",
    "newest",
]

__getattr__ = names_of(__name__, _HOMES)
