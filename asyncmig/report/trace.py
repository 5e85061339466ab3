"""What the pending migrations would lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.locks import LockReport, Violation
    from asyncmig.migration import Version


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
