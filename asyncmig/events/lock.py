"""A run waits for the lock, and gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.events.run import RunEvent

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LockWaiting(RunEvent):
    """Another runner holds the lock. Repeated while the wait goes on.

    Attributes:
        waited_ms: How long it has waited so far.
        holder: Who holds the lock, as far as the database tells; empty when it does not.
        since: Since when the holder is connected, if the database tells.
    """

    waited_ms: int
    holder: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LockAcquired(RunEvent):
    """This run holds the lock now.

    Attributes:
        waited_ms: How long it waited.
    """

    waited_ms: int
