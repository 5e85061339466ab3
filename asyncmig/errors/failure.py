"""Errors of the author of a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors.base import AsyncmigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.blocker import Blocker
    from asyncmig.history import HistoryEntry
    from asyncmig.locks import LockReport, Violation
    from asyncmig.migration import Direction


class MigrationFailedError(AsyncmigError):
    """A migration failed. What it did inside its transaction is rolled back.

    Attributes:
        direction: Up or down.
        sqlstate: PostgreSQL's five-character code; ``None`` where there is none.
        statement: The statement that failed; empty when it was not SQL.
        excerpt: The line of the file with a caret under the column, for people; may be empty.
        applied: What this run had done before, in order.
        rolled_back: The versions that were rolled back with it, in order: they had run before it
            in a single transaction.
        blockers: Who held the lock that it waited for, as far as that was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        version: str,
        direction: Direction,
        file: str,
        line: int | None = None,
        column: int | None = None,
        sqlstate: str | None = None,
        statement: str = "",
        excerpt: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint, version=version, file=file, line=line, column=column)
        self.direction = direction
        self.sqlstate = sqlstate
        self.statement = statement
        self.excerpt = excerpt
        self.applied: tuple[HistoryEntry, ...] = ()
        self.rolled_back: tuple[str, ...] = ()
        self.blockers: tuple[Blocker, ...] = ()

    def after(self, applied: Sequence[HistoryEntry]) -> None:
        """Remember what the run had done before it failed."""
        self.applied = tuple(applied)

    def along_with(self, versions: Sequence[str]) -> None:
        """Remember, and say in a note, what was rolled back with it."""
        self.rolled_back = tuple(versions)
        if versions:
            self.add_note(f"rolled back with it: {', '.join(versions)}")


class LockPolicyError(MigrationFailedError):
    """A migration locked, rewrote or scanned what it must not (``fail_on``); it is rolled back.

    Attributes:
        report: All that it locked, rewrote and scanned.
        violations: What of that is against the policy, worst first.
    """

    def __init__(
        self,
        message: str,
        *,
        version: str,
        direction: Direction,
        file: str,
        report: LockReport,
        violations: tuple[Violation, ...],
        line: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(
            message, version=version, direction=direction, file=file, line=line, hint=hint
        )
        self.report = report
        self.violations = violations


class TransactionLostError(MigrationFailedError):
    """The migration ended the transaction that it ran in, so it may be half done."""
