"""Foreign keys while a table is rebuilt.

``PRAGMA foreign_keys`` is ignored inside a transaction, and with the keys on, dropping the old
table of a rebuild deletes the rows of its children (drizzle #5782, rails #58705). So the keys go
off in front of BEGIN, the database is checked before COMMIT as SQLite's manual asks
(https://sqlite.org/lang_altertable.html#otheralter), and the setting comes back on every way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asyncmig.engines.sqlite.connection import DriverError, pragma
from asyncmig.engines.sqlite.records import fetch

if TYPE_CHECKING:
    from asyncmig.engines.sqlite.connection import Raw


class Violation(NamedTuple):
    """A row whose parent is not there.

    Attributes:
        table: Of the row.
        rowid: Of the row; ``None`` in a table without row ids.
        parent: The table that should have the parent.
    """

    table: str
    rowid: int | None
    parent: str

    def __str__(self) -> str:
        """Say it for people."""
        row = f"row {self.rowid} of " if self.rowid is not None else "a row of "
        return f"{row}{self.table} has no parent in {self.parent}"


class ViolationsError(Exception):
    """The migration has left rows without parents. Internal: a failure of the migration."""

    def __init__(self, violations: frozenset[Violation]) -> None:
        """Name some of them."""
        shown = sorted(violations, key=str)[:3]
        more = len(violations) - len(shown)
        names = "; ".join(map(str, shown)) + (f"; and {more} more" if more else "")
        super().__init__(f"foreign keys are broken: {names}")


class ForeignKeysOff:
    """Foreign keys that are off while a migration runs."""

    def __init__(self) -> None:
        self._were_on = False
        self._before: frozenset[Violation] | None = None

    def turn_off(self, raw: Raw) -> None:
        """Turn them off. Call it outside a transaction."""
        self._were_on = bool(pragma(raw, "foreign_keys"))
        raw.execute("PRAGMA foreign_keys = OFF").close()

    def note_violations(self, raw: Raw) -> None:
        """Note what is broken already: that is no fault of the migration."""
        try:
            self._before = _violations(raw)
        except DriverError:
            self._before = None  # a key that fits no index of its parent: nothing can be checked

    def refuse_new_violations(self, raw: Raw) -> None:
        """Compare with what was broken before.

        Raises:
            ViolationsError: There is more now.
        """
        if self._before is None:
            return
        if new := _violations(raw) - self._before:
            raise ViolationsError(new)

    def restore(self, raw: Raw) -> None:
        """Turn them on again if they were on. Call it outside a transaction."""
        if self._were_on:
            raw.execute("PRAGMA foreign_keys = ON").close()


def _violations(raw: Raw) -> frozenset[Violation]:
    rows = fetch(raw, "PRAGMA main.foreign_key_check")
    return frozenset(Violation(table, rowid, parent) for table, rowid, parent, _ in rows)
