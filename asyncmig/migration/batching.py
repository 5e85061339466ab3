"""How a migration of data runs in batches."""

from __future__ import annotations

from dataclasses import dataclass

_LARGEST_BATCH = 10_000_000

_LONGEST_BATCH = 60

_LONGEST_PAUSE = 30
"""Seconds: half of what a session of ours may idle before the server ends it."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How a migration of data runs in batches, each in a transaction of its own.

    Attributes:
        size: How many rows the first batch is for; later ones adapt to ``target``.
        target: Seconds that a batch is to take.
        pause: Seconds between two batches; ``None`` for what suits the database: none on
            PostgreSQL, and on SQLite enough for an application to get its turn.
        replica_lag: Seconds that a replica may be behind before the next batch waits for it
            (PostgreSQL); ``None`` for as many as it likes.

    Raises:
        ValueError: A value is out of its bounds; the sentence says which they are.
    """

    size: int = 1000
    target: float = 0.5
    pause: float | None = None
    replica_lag: float | None = None

    def __post_init__(self) -> None:
        """Refuse what would never come to an end, or let the server end an idle session."""
        if not 1 <= self.size <= _LARGEST_BATCH:
            raise ValueError(f"the size of a batch is 1 to {_LARGEST_BATCH} rows")
        if not 0 < self.target <= _LONGEST_BATCH:
            raise ValueError(f"the target of a batch is above 0 and at most {_LONGEST_BATCH} s")
        if self.pause is not None and not 0 <= self.pause <= _LONGEST_PAUSE:
            raise ValueError(f"the pause between batches is 0 to {_LONGEST_PAUSE} s")
        if self.replica_lag is not None and not self.replica_lag > 0:
            raise ValueError("the lag that replicas may have is above 0 s")
