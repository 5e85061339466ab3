"""What the command leaves with. Programs rely on these numbers."""

from __future__ import annotations

from enum import IntEnum

from asyncmig.cli.errors import RunInterruptedError
from asyncmig.errors import (
    AsyncmigError,
    DatabaseError,
    HistoryError,
    LockError,
    MigrationFailedError,
    PendingMigrationsError,
    ReadOnlyDatabaseError,
    SettingsError,
    SourceError,
    TargetError,
)


class ExitCode(IntEnum):
    """The exit codes.

    130 (SIGINT) and 143 (SIGTERM) are interruptions: 128 and the number of the signal. A bug ends
    in a traceback and in 1, as in any Python program.
    """

    DONE = 0
    """Done, or nothing to do."""
    FAILED = 1
    """A migration failed."""
    WRONG = 2
    """Wrong usage, settings or migration files. No database was changed."""
    FOUND = 3
    """A check found something."""
    LOCKED = 4
    """Another runner held the lock for longer than ``wait_timeout``."""
    UNREACHABLE = 5
    """The database is unreachable, or does not let us in."""
    DISAGREE = 6
    """History and files disagree, so nothing is run."""
    READ_ONLY = 7
    """A read-only database with pending migrations."""
    INTERRUPTED = 130
    """SIGINT, Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


# The first that fits counts: a leaf that differs from its branch stands in front of it.
_BY_CLASS: tuple[tuple[type[AsyncmigError], ExitCode], ...] = (
    (PendingMigrationsError, ExitCode.FOUND),
    (ReadOnlyDatabaseError, ExitCode.READ_ONLY),
    (SettingsError, ExitCode.WRONG),
    (SourceError, ExitCode.WRONG),
    (TargetError, ExitCode.WRONG),
    (HistoryError, ExitCode.DISAGREE),
    (LockError, ExitCode.LOCKED),
    (DatabaseError, ExitCode.UNREACHABLE),
    (MigrationFailedError, ExitCode.FAILED),
    (AsyncmigError, ExitCode.FAILED),
)


def exit_code_of(error: AsyncmigError) -> ExitCode:
    """Return what to leave with after an error."""
    if isinstance(error, RunInterruptedError):
        return ExitCode(128 + error.signal)
    return next(code for kind, code in _BY_CLASS if isinstance(error, kind))
