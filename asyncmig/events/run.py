"""A run begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.migration import Direction


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something about a run.

    Attributes:
        run_id: Identifies the run in events and in the history.
        database: The database's address, without a password.
    """

    run_id: str
    database: str


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """A run began to look at the database.

    Attributes:
        direction: Up or down.
    """

    direction: Direction


@dataclass(frozen=True, slots=True)
class RunFinished(RunEvent):
    """A run came to its end, good or bad.

    Attributes:
        direction: Up or down.
        versions: What it applied or reverted, in order.
        duration_ms: How long it took, waiting included.
        error: One sentence when it failed; ``None`` when it did not.
    """

    direction: Direction
    versions: tuple[str, ...]
    duration_ms: int
    error: str | None = None
