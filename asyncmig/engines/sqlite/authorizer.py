"""What SQLite asks while the code of a migration runs: may it do that?

``commit()`` is a habit of aiosqlite's users, and ``executescript()`` commits before it starts. In
the middle of a migration either would end our transaction, and what follows could not be rolled
back. SQLite refuses to prepare such a statement while this is installed. Savepoints are free.
Our own ``executescript()`` is let through, without the commit.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.shared import SAVEPOINT
from asyncmig.engines.sqlite.table import identifier

if TYPE_CHECKING:
    from collections.abc import Generator

    from asyncmig.engines.sqlite.connection import Raw


class Action(IntEnum):
    """What a statement is about to do (https://sqlite.org/c3ref/c_alter_table.html)."""

    CREATE_TEMP_INDEX = 3
    CREATE_TEMP_TABLE = 4
    CREATE_TEMP_TRIGGER = 5
    CREATE_TEMP_VIEW = 6
    DELETE = 9
    DROP_TABLE = 11
    INSERT = 18
    PRAGMA = 19
    READ = 20
    TRANSACTION = 22
    UPDATE = 23
    ATTACH = 24
    DETACH = 25
    ALTER_TABLE = 26
    SAVEPOINT = 32


_ALLOWED, _DENIED, _IGNORED = 0, 1, 2  # SQLITE_OK, SQLITE_DENY and SQLITE_IGNORE
_OF_ROWS = frozenset({Action.DELETE, Action.INSERT, Action.READ, Action.UPDATE})
_ON_TABLES = frozenset({Action.INSERT, Action.UPDATE, Action.DELETE, Action.DROP_TABLE})
_ENDING = frozenset({Action.TRANSACTION, Action.SAVEPOINT})
_LASTING = frozenset(Action) - _ON_TABLES - _ENDING - {Action.ALTER_TABLE, Action.READ}
_TRANSACTION, _SAVEPOINT = int(Action.TRANSACTION), int(Action.SAVEPOINT)
_ALTER_TABLE = int(Action.ALTER_TABLE)
"""Plain numbers: this is asked several times for each statement, mostly about rows."""


class Authorizer:
    """Denies transaction control, and notes what outlives the transaction.

    Args:
        history: The name of the history table.

    Attributes:
        denied: The last thing that was denied: ``BEGIN``, ``COMMIT`` or ``ROLLBACK``.
        leaves_state: Whether something was done that stays on the connection.
        touches_history: Whether the migration has changed the history itself.
    """

    def __init__(self, history: str) -> None:
        self._history = history.lower()
        self.denied: str | None = None
        self.leaves_state = False
        self.touches_history = False
        self._ignores_commit = False

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        _database: str | None,
        _trigger: str | None,
    ) -> int:
        """Answer SQLite."""
        if action in _ON_TABLES:
            self._note_table(first)
        elif action in _LASTING:
            self.leaves_state = True
        elif action == _ALTER_TABLE:
            self._note_table(second)
        elif action == _TRANSACTION:
            if self._ignores_commit and first == "COMMIT":
                self._ignores_commit = False
                return _IGNORED
            self.denied = first
            return _DENIED
        elif action == _SAVEPOINT and second is not None and second.lower() == SAVEPOINT:
            return _DENIED
        return _ALLOWED

    def _note_table(self, name: str | None) -> None:
        if name is not None and name.lower() == self._history:
            self.touches_history = True

    @contextmanager
    def watching(self, raw: Raw) -> Generator[None]:
        """Be asked for as long as the block runs."""
        self.install(raw)
        try:
            yield
        finally:
            self.remove(raw)

    def execute_script(self, raw: Raw, script: str) -> None:
        """Run statements inside the transaction, at the speed of C.

        ``sqlite3`` commits first, whatever is set, unless its ``autocommit`` (3.12) is. SQLite
        makes a statement that does nothing of a ``COMMIT`` that is to be ignored.

        Args:
            raw: A connection that this is installed on.
            script: No transaction control may be in it.
        """
        self._ignores_commit = True
        try:
            raw.executescript(script).close()
        finally:
            self._ignores_commit = False

    def install(self, raw: Raw) -> None:
        """Start to be asked."""
        raw.set_authorizer(self)

    @staticmethod
    def remove(raw: Raw) -> None:
        """Let everything pass again."""
        raw.set_authorizer(None)


def tables_of(raw: Raw, text: str) -> frozenset[str]:
    """Return the tables and views that a statement reads and writes, as SQL names them.

    Raises:
        DriverError: SQLite refuses the statement.
    """
    found: set[str] = set()

    def note(
        action: int, table: str | None, _column: str | None, database: str | None, _view: str | None
    ) -> int:
        if action in _OF_ROWS and table and database:
            found.add(f"{identifier(database)}.{identifier(table)}")
        return _ALLOWED

    raw.set_authorizer(note)
    try:
        raw.execute(f"EXPLAIN {text}").close()
    finally:
        raw.set_authorizer(None)
    return frozenset(found)
