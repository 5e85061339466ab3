"""What goes with a step that is applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from asyncmig.batching import Forecast
    from asyncmig.blocker import Blocker
    from asyncmig.engines.statements import Prepared
    from asyncmig.errors import AsyncmigError
    from asyncmig.history import Batches, Failure, HistoryEntry
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step


def _nobody(_report: LockReport) -> None:
    """Be told and do nothing."""


@dataclass(frozen=True, slots=True)
class StepEvents:
    """What a session says while it applies a step.

    Attributes:
        on_started: The turn of the step is confirmed under the lock; its SQL comes next.
        on_retrying: It was rolled back because of a lock: attempt, seconds until the next, reason,
            and who held the lock, as far as that is known.
        on_waiting: A statement waits for others, and no time-out will end that soon: for how many
            seconds so far, the phase of an index build (or nothing), and for whom.
        on_locks: What it locked, rewrote and scanned, if that was asked for; COMMIT comes next. In
            batches once, when they end, however they do.
        on_progress: Another batch of it is committed; now and then.
        on_applied: It is done, and this is its row. Told by :meth:`Session.apply_in_turn`.
    """

    on_started: Callable[[], None]
    on_retrying: Callable[[int, float, str, tuple[Blocker, ...]], None]
    on_waiting: Callable[[float, str, tuple[Blocker, ...]], None]
    on_locks: Callable[[LockReport], None] = _nobody
    on_progress: Callable[[Batches, Forecast], None] = lambda _batches, _forecast: None
    on_applied: Callable[[HistoryEntry], None] = lambda _entry: None


@dataclass(frozen=True, slots=True)
class Share:
    """What one step brings along when it is run with others.

    Attributes:
        step: What to run.
        events: What to tell while it runs.
        around: Returns what its code, and no other's, runs inside of.
        prepared: Its script, as for :meth:`Session.apply`.
    """

    step: Step
    events: StepEvents
    around: Callable[[], Awaitable[AbstractContextManager[None]]]
    prepared: Prepared | None = None


def failure_of(error: AsyncmigError) -> Failure:
    """Return what is worth recording of a failed migration."""
    from asyncmig.history import Failure

    sqlstate = getattr(error, "sqlstate", None)
    return Failure(error.message, sqlstate, error.line, error.column)
