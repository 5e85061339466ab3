"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.history import HistoryEntry, MigrationStatus
    from asyncmig.migration import Direction, Version


@dataclass(frozen=True, slots=True)
class RunReport:
    """What ``up``, ``down`` or ``redo`` did.

    Attributes:
        database: The database's address, without a password.
        run_id: Identifies the run in events and in the history.
        direction: Up or down; up for a redo.
        entries: The rows of the history that the run wrote, in order: what it applied or reverted.
        current: The newest version that is applied now, ``None`` when there is none.
        pending: How many migrations are pending now, without those that are postponed.
        lock_wait_ms: How long it waited for the lock; 0 when it did not need it.
        duration_ms: How long the run took, waiting included.
        warnings: The migrations that have a problem which the policy lets pass.
        postponed: The migrations of phase ``post`` that are left for when the new code is
            everywhere.
        baseline: What the run declared to be in the database before it did anything; ``None`` for
            nothing.
    """

    database: str
    run_id: str
    direction: Direction
    entries: tuple[HistoryEntry, ...]
    current: Version | None
    pending: int
    lock_wait_ms: int
    duration_ms: int
    warnings: tuple[MigrationStatus, ...] = ()
    postponed: tuple[MigrationStatus, ...] = ()
    baseline: Version | None = None
