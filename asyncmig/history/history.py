"""The whole history of a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.history.entry import newest
from asyncmig.history.state import RowState
from asyncmig.migration import Direction, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncmig.history.edit import Edit
    from asyncmig.history.entry import HistoryEntry, Identity
    from asyncmig.migration import Version


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """The state of a history, in two numbers.

    Every change of the history either appends a row or finishes an unfinished one, so equal
    generations mean equal histories (up to the progress of the unfinished rows).

    Attributes:
        newest_id: The id of the newest row, 0 when there is none.
        unfinished: How many rows are in state ``applying``.
    """

    newest_id: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """The whole history of one database, oldest row first.

    Attributes:
        entries: The rows.
        exists: ``False`` when the database has no history table yet.
    """

    entries: tuple[HistoryEntry, ...] = ()
    exists: bool = True

    def __iter__(self) -> Iterator[HistoryEntry]:
        """Go through the rows, oldest first."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.entries)

    @property
    def generation(self) -> Generation:
        """What tells this history from every other one of the same database."""
        newest_id = self.entries[-1].id if self.entries else 0
        unfinished = sum(1 for entry in self.entries if entry.state is RowState.APPLYING)
        return Generation(newest_id, unfinished)

    def since(self, generation: Generation) -> tuple[HistoryEntry, ...]:
        """Return the rows that were appended after that generation."""
        return tuple(entry for entry in self.entries if entry.id > generation.newest_id)

    def ends_with(self, rows: Iterable[HistoryEntry]) -> bool:
        """Tell whether these are the newest row and the unfinished ones of this history.

        Args:
            rows: Those from the id of the newest row on and those that are not finished, as they
                are in the database by now, in any order.
        """
        *older, last = self.entries
        expected = [row for row in older if row.state is RowState.APPLYING] + [last]
        return sorted(rows, key=lambda row: row.id) == expected

    def with_entry(self, entry: HistoryEntry, edit: Edit) -> History:
        """Return the history after that edit; ``entry`` is the row it appended or finished."""
        kept = tuple(
            replace(row, state=edit.retired_as) if row.id == edit.retires else row
            for row in self.entries
            if row.id != entry.id
        )
        return History(tuple(sorted((*kept, entry), key=lambda row: row.id)))

    def active(self, direction: Direction = Direction.UP) -> dict[Identity, HistoryEntry]:
        """Return the active row of each migration (not the baselines), by identity."""
        return {
            entry.identity: entry
            for entry in self.entries
            if entry.is_active and entry.direction is direction and entry.kind is not Kind.BASELINE
        }

    def baseline(self) -> Version | None:
        """Return the version up to which the database was declared to be migrated, if any."""
        return newest(e.version for e in self.entries if e.kind is Kind.BASELINE and e.is_active)
