"""What the calls of a Migrator return: frozen values, for code and for documents alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.history import HistoryEntry, MigrationStatus, Problem
    from asyncmig.locks import LockReport, Violation
    from asyncmig.migration import Direction, Version
    from asyncmig.plan import Step


@dataclass(frozen=True, slots=True)
class RunReport:
    """What ``up``, ``down`` or ``redo`` did.

    Attributes:
        database: The database's address, without a password.
        run_id: Identifies the run in events and in the history.
        direction: Up or down; up for a redo.
        entries: The rows of the history that the run wrote, in order: what it applied or reverted.
        current: The newest version that is applied now, ``None`` when there is none.
        pending: How many migrations are pending now, without those that are postponed.
        lock_wait_ms: How long it waited for the lock; 0 when it did not need it.
        duration_ms: How long the run took, waiting included.
        warnings: The migrations that have a problem which the policy lets pass.
        postponed: The migrations of phase ``post`` that are left for when the new code is
            everywhere.
        baseline: What the run declared to be in the database before it did anything; ``None`` for
            nothing.
    """

    database: str
    run_id: str
    direction: Direction
    entries: tuple[HistoryEntry, ...]
    current: Version | None
    pending: int
    lock_wait_ms: int
    duration_ms: int
    warnings: tuple[MigrationStatus, ...] = ()
    postponed: tuple[MigrationStatus, ...] = ()
    baseline: Version | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Where a database stands: the answer of ``status`` and ``verify``.

    Attributes:
        database: The database's address, without a password.
        current: The newest version that is applied, ``None`` when there is none.
        migrations: Every migration that the files or the history know, in order.
    """

    database: str
    current: Version | None
    migrations: tuple[MigrationStatus, ...]

    @property
    def pending(self) -> tuple[MigrationStatus, ...]:
        """The migrations that ``up`` would run, policies permitting."""
        return tuple(status for status in self.migrations if status.is_due)

    @property
    def postponed(self) -> tuple[MigrationStatus, ...]:
        """The migrations of phase ``post`` that wait until the new code is everywhere."""
        return tuple(status for status in self.migrations if status.is_postponed)

    @property
    def problems(self) -> tuple[tuple[MigrationStatus, Problem], ...]:
        """Every problem with its migration, in order."""
        return tuple((status, problem) for status in self.migrations for problem in status.problems)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do.

    Attributes:
        database: The database's address, without a password.
        current: The newest version that is applied, ``None`` when there is none.
        steps: What would run, in order.
        migrations: Every migration that the files or the history know, in order.
        script: The plan as a script for psql or the sqlite3 shell; empty unless it was asked for.
    """

    database: str
    current: Version | None
    steps: tuple[Step, ...]
    migrations: tuple[MigrationStatus, ...]
    script: str = ""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What ``repair`` or ``baseline`` changed in the history, or would change.

    Attributes:
        database: The database's address, without a password.
        description: One sentence: what is changed.
        entry: The row that was appended; ``None`` when nothing was written.
    """

    database: str
    description: str
    entry: HistoryEntry | None


@dataclass(frozen=True, slots=True)
class MigrationTrace:
    """What a pending migration would lock.

    Attributes:
        version: The version, or ``R__name``.
        name: What the file is called.
        file: The file.
        locks: What it would lock, rewrite and scan.
        violations: What of that ``fail_on`` would refuse, worst first.
        batch: Of a migration in batches only the next one is run: for how many rows; ``None`` for
            any other, which is run as a whole.
    """

    version: str
    name: str
    file: str
    locks: LockReport
    violations: tuple[Violation, ...] = ()
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Untraced:
    """A pending migration that was left out of a trace.

    Attributes:
        version: The version, or ``R__name``.
        name: What the file is called.
        file: The file.
        reason: Why, behind "because".
    """

    version: str
    name: str
    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class TraceReport:
    """What the pending migrations would lock. Nothing of them remains.

    Attributes:
        database: The database's address, without a password.
        current: The newest version that is applied, ``None`` when there is none.
        traced: What was run and rolled back, in order.
        untraced: What was left out, in order.
    """

    database: str
    current: Version | None
    traced: tuple[MigrationTrace, ...]
    untraced: tuple[Untraced, ...]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that ``fail_on`` would refuse."""
        return tuple(violation for trace in self.traced for violation in trace.violations)
