"""Errors of the database, and of the lock that another runner holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors.base import AsyncmigError

if TYPE_CHECKING:
    from collections.abc import Sequence


class DatabaseError(AsyncmigError):
    """The database does not do what is needed."""


class DatabaseUnavailableError(DatabaseError, ConnectionError):
    """The database cannot be reached, or the connection was lost."""


class DatabaseAccessError(DatabaseError, PermissionError):
    """The database was reached and said no: password, name, permission, or no database at all."""


class DatabaseBusyError(DatabaseError, TimeoutError):
    """Somebody else held the SQLite database for longer than the budget."""


class ReadOnlyDatabaseError(DatabaseError):
    """There are pending migrations, and nothing can be written here.

    Attributes:
        pending: The versions that are pending.
    """

    def __init__(self, message: str, *, pending: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint, version=pending[0] if pending else None)
        self.pending = tuple(pending)

    def with_pending(self, pending: Sequence[str]) -> ReadOnlyDatabaseError:
        """Return the same error about these versions, which would have to be run."""
        what = "1 migration" if len(pending) == 1 else f"{len(pending)} migrations"
        message = f"{what} to run, but {self.message}"
        return ReadOnlyDatabaseError(message, pending=pending, hint=self.hint)


class LockError(AsyncmigError):
    """Another runner is in the way."""


class LockTimeoutError(LockError, TimeoutError):
    """Another runner held the lock for longer than ``wait_timeout``.

    Attributes:
        waited: How long this runner waited, in seconds.
        holder: Who held the lock, as far as the database tells; empty when it does not.
    """

    def __init__(self, *, waited: float, holder: str = "") -> None:
        who = f"; held by {holder}" if holder else ""
        super().__init__(
            f"another runner held the lock for more than {waited:.1f} s{who}",
            hint="wait longer with --wait-timeout, or look at what the other runner is doing",
        )
        self.waited = waited
        self.holder = holder
