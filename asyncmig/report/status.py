"""Where a database stands, and what a run would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.history import MigrationStatus, Problem
    from asyncmig.migration import Version
    from asyncmig.plan import Step


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
