"""Every event, and who gets them."""

from __future__ import annotations

from collections.abc import Callable

from asyncmig.events.baseline import BaselineRecorded
from asyncmig.events.lock import LockAcquired, LockWaiting
from asyncmig.events.migration import (
    MigrationApplied,
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
from asyncmig.events.run import RunFinished, RunStarted

Event = (
    RunStarted
    | LockWaiting
    | LockAcquired
    | BaselineRecorded
    | MigrationStarted
    | MigrationApplied
    | MigrationReverted
    | MigrationRetrying
    | MigrationWaiting
    | LocksReported
    | MigrationProgressed
    | MigrationFailed
    | RunFinished
)

Observer = Callable[[Event], None]
"""Anything that takes an event. One that raises never breaks a run."""
