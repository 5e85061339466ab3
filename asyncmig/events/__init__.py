"""What happens during a run, as values for an observer.

An observer is any callable that takes an event. The default one writes them to structlog
(:mod:`asyncmig.logging`). Events of success follow the COMMIT.

Each is created when it is first asked for: a start with nothing to do tells two of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.events.baseline import BaselineRecorded
    from asyncmig.events.event import Event, Observer
    from asyncmig.events.lock import LockAcquired, LockWaiting
    from asyncmig.events.migration import (
        MigrationApplied,
        MigrationEvent,
        MigrationFailed,
        MigrationReverted,
        MigrationStarted,
    )
    from asyncmig.events.progress import (
        LocksReported,
        MigrationProgressed,
        MigrationRetrying,
        MigrationWaiting,
    )
    from asyncmig.events.run import RunEvent, RunFinished, RunStarted

_HOMES = {
    "BaselineRecorded": "baseline",
    "Event": "event",
    "LockAcquired": "lock",
    "LockWaiting": "lock",
    "LocksReported": "progress",
    "MigrationApplied": "migration",
    "MigrationEvent": "migration",
    "MigrationFailed": "migration",
    "MigrationProgressed": "progress",
    "MigrationRetrying": "progress",
    "MigrationReverted": "migration",
    "MigrationStarted": "migration",
    "MigrationWaiting": "progress",
    "Observer": "event",
    "RunEvent": "run",
    "RunFinished": "run",
    "RunStarted": "run",
}

__all__ = [
    "BaselineRecorded",
    "Event",
    "LockAcquired",
    "LockWaiting",
    "LocksReported",
    "MigrationApplied",
    "MigrationEvent",
    "MigrationFailed",
    "MigrationProgressed",
    "MigrationRetrying",
    "MigrationReverted",
    "MigrationStarted",
    "MigrationWaiting",
    "Observer",
    "RunEvent",
    "RunFinished",
    "RunStarted",
]

__getattr__ = names_of(__name__, _HOMES)
