"""What was changed in a history alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.history import HistoryEntry


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What ``repair`` or ``baseline`` changed in the history, or would change.

    Attributes:
        database: The database's address, without a password.
        description: One sentence: what is changed.
        entry: The row that was appended; ``None`` when nothing was written.
    """

    database: str
    description: str
    entry: HistoryEntry | None
