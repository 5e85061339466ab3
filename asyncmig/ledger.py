"""The history while a run adds to it, row by row, without a copy of it for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.history import Generation, History, RowState

if TYPE_CHECKING:
    from asyncmig.history import Edit, HistoryEntry


class Ledger:
    """A history that grows.

    A step needs no more of it than its generation. To put all rows together after each of
    thousands would take longer with every step.

    Args:
        history: What was read.

    Attributes:
        generation: That of the history by now.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._appended: list[HistoryEntry] = []
        self.generation = history.generation

    @property
    def history(self) -> History:
        """What was read, with what was noted since."""
        if self._appended:
            self._history = History((*self._history.entries, *self._appended))
            self._appended = []
        return self._history

    def note(self, entry: HistoryEntry, edit: Edit) -> None:
        """Note an edit; ``entry`` is the row that it appended or finished."""
        before = self.generation
        if edit.retires is not None or entry.id <= before.newest_id:
            self._history = self.history.with_entry(entry, edit)
            self.generation = self._history.generation
            return
        self._appended.append(entry)
        is_unfinished = entry.state is RowState.APPLYING
        self.generation = Generation(entry.id, before.unfinished + is_unfinished)
