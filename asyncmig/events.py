"""What happens during a run, as values for an observer.

An observer is any callable that takes an event. The default one writes them to structlog
(:mod:`asyncmig.logging`). Events of success follow the COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from asyncmig.blocker import Blocker
    from asyncmig.locks import LockReport
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
class MigrationEvent(RunEvent):
    """Something about one migration in a run.

    Attributes:
        run_id: The run.
        database: The database's address, without a password.
        version: The version, or ``R__name``.
        name: What the file is called.
        direction: Up or down.
    """

    version: str
    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """A run began to look at the database.

    Attributes:
        direction: Up or down.
    """

    direction: Direction


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


@dataclass(frozen=True, slots=True)
class BaselineRecorded(RunEvent):
    """The database had tables and no history, and the history begins where the caller had said.

    Attributes:
        version: Everything up to it is declared to be in the database.
    """

    version: str


@dataclass(frozen=True, slots=True)
class MigrationStarted(MigrationEvent):
    """A migration is about to run; its turn is confirmed under the lock.

    Attributes:
        resumed: Whether it goes on where an earlier run stopped.
    """

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class MigrationApplied(MigrationEvent):
    """A migration and its history are committed.

    Attributes:
        duration_ms: How long it ran.
    """

    duration_ms: int


@dataclass(frozen=True, slots=True)
class MigrationReverted(MigrationEvent):
    """The reversal of a migration and its history are committed.

    Attributes:
        duration_ms: How long it ran.
    """

    duration_ms: int


@dataclass(frozen=True, slots=True)
class MigrationRetrying(MigrationEvent):
    """A migration was rolled back because of a lock, and will be tried again.

    Attributes:
        attempt: How many tries have failed.
        delay_ms: How long it waits before the next one.
        reason: The database's own words.
        blockers: Who held the lock, as far as that was seen.
    """

    attempt: int
    delay_ms: int
    reason: str
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationWaiting(MigrationEvent):
    """A statement of a migration waits for others, and no time-out will end that soon.

    Repeated while the wait goes on.

    Attributes:
        waited_ms: How long it has waited so far.
        phase: How far an index build is, in the database's own words; empty for other statements.
        blockers: Whom it waits for.
    """

    waited_ms: int
    phase: str = ""
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class LocksReported(MigrationEvent):
    """A migration is done but for its COMMIT, and this is what it locked, rewrote and scanned.

    Only told when it was asked for (``lock_report``, ``fail_on``), and on PostgreSQL. Of a
    migration in batches it is told once, when they end: after the last one, or when one fails.

    Attributes:
        report: What it did to the relations that were there before it.
    """

    report: LockReport


@dataclass(frozen=True, slots=True)
class MigrationProgressed(MigrationEvent):
    """More batches of a migration are committed. Told now and then, more seldom as time goes by.

    Attributes:
        batches: How many are committed, over all runs.
        rows: How many rows they have changed; ``None`` for Python, which does not say.
        rate: Rows in a second, in this run; ``None`` where the rows are not known.
        remaining_rows: How many rows are left, as the database reckons; ``None`` where it does not.
        remaining_ms: How long they take at this rate; ``None`` where nobody can tell.
        waits_for: What the next batch waits for, such as a replica; ``None`` when it does not.
    """

    batches: int
    rows: int | None = None
    rate: float | None = None
    remaining_rows: int | None = None
    remaining_ms: int | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class MigrationFailed(MigrationEvent):
    """A migration failed and what it did in its transaction is rolled back.

    Attributes:
        error: One sentence.
        file: The file.
        line: The line in it, 1-based, where it is known.
        column: The column in that line, 1-based, where it is known.
    """

    error: str
    file: str
    line: int | None = None
    column: int | None = None


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
