"""What a run said so far: all there is to report when it does not come to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.events import LockAcquired, LockWaiting, MigrationApplied, MigrationReverted

if TYPE_CHECKING:
    from asyncmig.events import Event


@dataclass(slots=True)
class Journal:
    """Collects what a failure or a signal must not make us forget.

    Attributes:
        database: The database's address, without a password, once it is known.
        current: The newest applied version, if it was looked up after a failure.
        pending: How many migrations are pending, if that was looked up.
        done: What was applied or reverted, in order.
        lock_wait_ms: How long the wait for the lock took so far.
    """

    database: str | None = None
    current: str | None = None
    pending: int | None = None
    done: list[MigrationApplied | MigrationReverted] = field(
        default_factory=list["MigrationApplied | MigrationReverted"]
    )
    lock_wait_ms: int = 0

    def __call__(self, event: Event) -> None:
        """Note an event."""
        match event:
            case MigrationApplied() | MigrationReverted():
                self.done.append(event)
            case LockWaiting() | LockAcquired():
                self.lock_wait_ms = event.waited_ms
            case _:
                pass
