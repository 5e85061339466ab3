"""Tell the observer what happens in a run, and never let an observer break it."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from asyncmig import events
from asyncmig.engines import base
from asyncmig.errors import AsyncmigError
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from asyncmig.batching import Forecast
    from asyncmig.blocker import Blocker
    from asyncmig.engines.base import Holder
    from asyncmig.errors import MigrationFailedError
    from asyncmig.events import Event, Observer
    from asyncmig.history import Batches, HistoryEntry
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step


class Narrator:
    """Turns what happens in one run into events.

    Args:
        observer: Gets the events.
        run_id: Identifies the run.
        database: The database's address, without a password.
    """

    def __init__(self, observer: Observer, *, run_id: str, database: str) -> None:
        self._observer = observer
        self.run_id = run_id
        self.database = database
        self._has_begun = False

    @contextmanager
    def run(self, direction: Direction, entries: Sequence[HistoryEntry]) -> Generator[None]:
        """Tell the end of a run, whatever it is, unless the run has not even begun.

        Args:
            direction: Up or down.
            entries: What the run writes; looked at when it ends.
        """
        began = time.monotonic()
        sentence: str | None = None
        try:
            yield
        except BaseException as error:
            sentence = error.message if isinstance(error, AsyncmigError) else type(error).__name__
            raise
        finally:
            versions = tuple(entry.key for entry in entries)
            took = milliseconds(time.monotonic() - began)
            if self._has_begun:
                end = events.RunFinished(
                    self.run_id, self.database, direction, versions, took, sentence
                )
                self._tell(end)

    def begin(self, direction: Direction) -> None:
        """Tell that a run has begun: with files that can be read, whether or not a database can."""
        self._has_begun = True
        self._tell(events.RunStarted(self.run_id, self.database, direction))

    def waiting(self, holder: Holder | None, seconds: float) -> None:
        """Tell that another runner holds the lock."""
        who, since = (holder.description, holder.since) if holder else ("", None)
        waited = milliseconds(seconds)
        self._tell(events.LockWaiting(self.run_id, self.database, waited, who, since))

    def locked(self, seconds: float) -> None:
        """Tell that the lock is held now."""
        self._tell(events.LockAcquired(self.run_id, self.database, milliseconds(seconds)))

    def recorded(self, entry: HistoryEntry) -> None:
        """Tell that the history begins with a baseline."""
        self._tell(events.BaselineRecorded(self.run_id, self.database, entry.key))

    def events_of(self, step: Step, on_applied: Callable[[HistoryEntry], None]) -> base.StepEvents:
        """Return what a session is to tell while it applies a step.

        Args:
            step: The step.
            on_applied: Told of its row.
        """
        return base.StepEvents(
            on_started=partial(self.started, step),
            on_retrying=partial(self.retrying, step),
            on_waiting=partial(self.held_up, step),
            on_locks=partial(self.locks, step),
            on_progress=partial(self.progressed, step),
            on_applied=on_applied,
        )

    def started(self, step: Step) -> None:
        """Tell that a migration is about to run."""
        self._tell(
            events.MigrationStarted(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                resumed=step.resumes is not None,
            )
        )

    def retrying(
        self, step: Step, attempt: int, delay: float, reason: str, blockers: tuple[Blocker, ...]
    ) -> None:
        """Tell that a migration was rolled back because of a lock and will be tried again."""
        self._tell(
            events.MigrationRetrying(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                attempt,
                milliseconds(delay),
                reason,
                blockers,
            )
        )

    def held_up(
        self, step: Step, seconds: float, phase: str, blockers: tuple[Blocker, ...]
    ) -> None:
        """Tell that a statement of a migration waits for others."""
        self._tell(
            events.MigrationWaiting(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                milliseconds(seconds),
                phase,
                blockers,
            )
        )

    def locks(self, step: Step, report: LockReport) -> None:
        """Tell what a migration locked, rewrote and scanned."""
        self._tell(
            events.LocksReported(
                self.run_id, self.database, step.key, step.name, step.direction, report
            )
        )

    def progressed(self, step: Step, batches: Batches, forecast: Forecast) -> None:
        """Tell that more batches of a migration are committed."""
        seconds = forecast.remaining_seconds
        self._tell(
            events.MigrationProgressed(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                batches.count,
                batches.rows,
                rate=None if batches.rows is None else round(forecast.rate, 1),
                remaining_rows=forecast.remaining_rows,
                remaining_ms=None if seconds is None else milliseconds(seconds),
                waits_for=forecast.waits_for or None,
            )
        )

    def done(self, step: Step, entry: HistoryEntry) -> None:
        """Tell that a migration and its history are committed."""
        event = (
            events.MigrationApplied if step.direction is Direction.UP else events.MigrationReverted
        )
        self._tell(
            event(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                entry.duration_ms or 0,
            )
        )

    def failed(self, step: Step, error: MigrationFailedError) -> None:
        """Tell that a migration failed."""
        self._tell(
            events.MigrationFailed(
                self.run_id,
                self.database,
                step.key,
                step.name,
                step.direction,
                error.message,
                error.file or "",
                error.line,
                error.column,
            )
        )

    def _tell(self, event: Event) -> None:
        try:
            self._observer(event)
        except Exception:
            logging.getLogger("asyncmig").exception("an observer raised; the run goes on")


def milliseconds(seconds: float) -> int:
    """Return the time in whole milliseconds, as events and documents give it."""
    return round(seconds * 1000)
