"""The transaction of a migration: its own, or one for several of them (``durability="run"``).

In a shared one each migration has a savepoint, and its row is inside. What fails is rolled back to
its savepoint, and what was finished before stays. But an interrupt, a disk that is full or broken,
and a conflict that asks for it (``ON CONFLICT ROLLBACK``, ``RAISE(ROLLBACK)``) roll back all of it,
savepoints that are released included
(https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction). So nothing of
it is told before its COMMIT. Once one is lost, every other migration of the session gets a
transaction of its own: what is to blame then fails alone, behind those that it took along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.engines.sqlite.failures import is_busy
from asyncmig.engines.sqlite.records import roll_back

if TYPE_CHECKING:
    from asyncmig.engines.sqlite.connection import Raw

SAVEPOINT = "asyncmig_migration"
"""The savepoint of each migration. The authorizer keeps authors from it."""


class Transaction(Protocol):
    """What a migration runs in. The methods run in the thread."""

    def begin(self, raw: Raw) -> None:
        """Keep everybody else from writing, and let what follows be undone as a whole."""
        ...

    def begin_again(self, raw: Raw) -> None:
        """Undo what was done since, and begin anew, unless more than that is gone."""
        ...

    def commit(self, raw: Raw) -> None:
        """Keep what was done since, together with what the transaction is part of."""
        ...

    def roll_back(self, raw: Raw) -> None:
        """Undo what was done since, if SQLite has not done so by itself."""
        ...


class Alone:
    """A transaction for one migration."""

    def begin(self, raw: Raw) -> None:
        """Begin it."""
        raw.execute("BEGIN IMMEDIATE")

    def begin_again(self, raw: Raw) -> None:
        """Undo it, and begin another one."""
        roll_back(raw)
        self.begin(raw)

    def commit(self, raw: Raw) -> None:
        """Wait for the disk."""
        raw.execute("COMMIT")

    def roll_back(self, raw: Raw) -> None:
        """Undo it."""
        roll_back(raw)


class SharedTransaction:
    """A transaction for several migrations, one after the other.

    Args:
        is_open: Whether migrations may join it.

    Attributes:
        is_open: Whether migrations may join it; not any more after a loss.
        size: How many migrations are finished, and not committed.
    """

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self.size = 0
        self._is_in_migration = False
        self._is_lost = False

    def begin(self, raw: Raw) -> None:
        """Begin the transaction with its first migration, and the savepoint of this one.

        Raises:
            HistoryMovedError: The others are gone.
        """
        if not self.size:
            raw.execute("BEGIN IMMEDIATE")
        elif not raw.in_transaction:
            self.lose()
            self.refuse_lost()
        raw.execute(f"SAVEPOINT {SAVEPOINT}")
        self._is_in_migration = True

    def begin_again(self, raw: Raw) -> None:
        """Undo the migration alone, and let it begin anew.

        Raises:
            HistoryMovedError: The others are gone.
        """
        if raw.in_transaction:
            raw.execute(f"ROLLBACK TO {SAVEPOINT}")
        else:
            self.begin(raw)

    def commit(self, raw: Raw) -> None:
        """Add the migration to those that wait for :meth:`flush`."""
        raw.execute(f"RELEASE {SAVEPOINT}")
        self._is_in_migration = False
        self.size += 1

    def roll_back(self, raw: Raw) -> None:
        """Undo the migration alone, as far as the others are still there."""
        is_in_migration, self._is_in_migration = self._is_in_migration, False
        if not self.size:
            roll_back(raw)
        elif not raw.in_transaction:
            self.lose()
        elif is_in_migration:
            raw.execute(f"ROLLBACK TO {SAVEPOINT}")
            raw.execute(f"RELEASE {SAVEPOINT}")

    def flush(self, raw: Raw) -> None:
        """Commit the migrations that share it, or lose them all.

        Raises:
            DriverError: The database is busy; it may be tried again.
        """
        if not raw.in_transaction:
            self.lose()
            return
        try:
            raw.execute("COMMIT")
        except DriverError as error:
            if is_busy(error):
                raise
            self.give_up(raw)  # the disk is full, or a deferred key has no parent
            return
        self.size = 0

    def give_up(self, raw: Raw) -> None:
        """Roll back the migrations that share it."""
        roll_back(raw)
        self.lose()

    def lose(self) -> None:
        """Note that it was rolled back, by whomever."""
        if self.size:
            self.size = 0
            self.is_open = False
            self._is_lost = True

    def refuse_lost(self) -> None:
        """Say once that migrations that were finished are gone.

        Raises:
            HistoryMovedError: They are.
        """
        if self._is_lost:
            self._is_lost = False
            raise HistoryMovedError
