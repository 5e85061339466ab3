"""What a run has done so far: what may be told of, and what a crash could still take back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asyncmig.request import Durability

if TYPE_CHECKING:
    from asyncmig.history import History, HistoryEntry
    from asyncmig.narrator import Narrator
    from asyncmig.plan import Step

_LONGEST_HOLD = 1.0
"""Seconds that success is held back at most: somebody may be watching, and on SQLite nobody else
can write meanwhile."""


class Tally:
    """What a run has done so far.

    Args:
        narrator: Told of each success that nothing can take back any more.
        durability: Whether success is held back until a flush.

    Attributes:
        entries: The rows written so far that nothing can take back any more.
    """

    def __init__(self, narrator: Narrator, durability: Durability) -> None:
        self.entries: list[HistoryEntry] = []
        self._narrator = narrator
        self._durability = durability
        self._held: list[tuple[Step, HistoryEntry]] = []
        self._held_since = 0.0

    @property
    def steps(self) -> int:
        """How many steps were done, told of or held back."""
        return len(self.entries) + len(self._held)

    @property
    def needs_flush(self) -> bool:
        """Whether something is held back that the disk may not have."""
        return bool(self._held) and self._durability is Durability.RUN

    @property
    def is_due(self) -> bool:
        """Whether success is not to be held back any longer."""
        waits = self._durability is Durability.RUN
        return not waits or time.monotonic() - self._held_since >= _LONGEST_HOLD

    def add(self, step: Step, entry: HistoryEntry) -> None:
        """Note a step that was done."""
        if not self._held:
            self._held_since = time.monotonic()
        self._held.append((step, entry))

    def keep(self, history: History) -> None:
        """Forget what is held back and lost: it is not in the history as it was."""
        known = set(history.entries)
        self._held = [(step, entry) for step, entry in self._held if entry in known]

    def settle(self) -> None:
        """Tell of everything that was held back: the disk has it."""
        held, self._held = self._held, []
        for step, entry in held:
            self.entries.append(entry)
            self._narrator.done(step, entry)
