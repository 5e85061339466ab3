"""What a run said so far: all there is to report when it does not come to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig import events

if TYPE_CHECKING:
    from asyncmig.events import Event, MigrationApplied, MigrationReverted
    from asyncmig.locks import LockReport
    from asyncmig.migration import Direction


@dataclass(slots=True)
class Journal:
    """Collects what a failure or a signal must not make us forget.

    Attributes:
        database: The database's address, without a password, once it is known.
        current: The newest applied version, if it was looked up after a failure.
        pending: How many migrations are pending, if that was looked up.
        done: What was applied or reverted, in order.
        lock_wait_ms: How long the wait for the lock took so far.
        locks: What each migration locked, by its version and direction, if that was asked for.
    """

    database: str | None = None
    current: str | None = None
    pending: int | None = None
    done: list[MigrationApplied | MigrationReverted] = field(
        default_factory=list["MigrationApplied | MigrationReverted"]
    )
    lock_wait_ms: int = 0
    locks: dict[tuple[str, Direction], LockReport] = field(
        default_factory=dict["tuple[str, Direction]", "LockReport"]
    )

    def __call__(self, event: Event) -> None:
        """Note an event."""
        match event:
            case events.RunStarted() | events.RunFinished():
                pass  # in front: the other events are created when they are first named
            case events.MigrationApplied() | events.MigrationReverted():
                self.done.append(event)
            case events.LocksReported(report=report):
                self.locks[event.version, event.direction] = report
            case events.LockWaiting() | events.LockAcquired():
                self.lock_wait_ms = event.waited_ms
            case _:
                pass
