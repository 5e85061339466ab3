"""A migration goes on, waits, or is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.events.migration import MigrationEvent

if TYPE_CHECKING:
    from asyncmig.blocker import Blocker
    from asyncmig.locks import LockReport


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
