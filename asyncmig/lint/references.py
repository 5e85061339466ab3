"""Which tables refer to which, as the statements of a folder have made it so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.lint.tables import (
    created_table,
    dropped_tables,
    referenced_tables,
    renamed_table,
    touched_tables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.sql import Dialect


@dataclass(frozen=True, slots=True)
class References:
    """The foreign keys of a database.

    Attributes:
        pairs: The table that refers, and the one that it refers to.
    """

    pairs: frozenset[tuple[str, str]] = frozenset()

    def to(self, table: str) -> frozenset[str]:
        """Return the other tables that refer to one."""
        return frozenset(one for one, other in self.pairs if other == table and one != table)

    def after(self, tokens: Sequence[str], dialect: Dialect) -> References:
        """Return what a statement leaves of them, and adds.

        As SQLite does it: a rename takes along what refers to the table, and dropping a table
        leaves what refers to it as it is.
        """
        if renamed := renamed_table(tokens, dialect):
            names = dict([renamed])
            return References(
                frozenset(
                    (names.get(one, one), names.get(other, other)) for one, other in self.pairs
                )
            )
        if dropped := dropped_tables(tokens, dialect):
            return References(frozenset(pair for pair in self.pairs if pair[0] not in dropped))
        owner = created_table(tokens, dialect) or next(iter(touched_tables(tokens, dialect)), "")
        if not owner or tokens[0] not in {"CREATE", "ALTER"}:
            return self
        added = {(owner, other) for other in referenced_tables(tokens, dialect)}
        return References(self.pairs | added) if added else self
