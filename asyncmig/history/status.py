"""One migration, with the files and the history laid side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.history.state import State
from asyncmig.migration import Phase, key_of

if TYPE_CHECKING:
    from asyncmig.history.entry import HistoryEntry
    from asyncmig.history.state import Problem
    from asyncmig.migration import Kind, Version


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration, with the files and the history laid side by side.

    Attributes:
        version: ``None`` for a repeatable migration.
        name: What the file, or else the history, calls it.
        kind: Versioned or repeatable.
        state: Where it stands.
        problems: What a person should look at.
        checksum: Of the file, or else of the row.
        path: The file; ``None`` when there is none.
        entry: The row that says so; ``None`` when the history does not know it.
        reversible: Whether the file has something to go down with.
        phase: When it may be applied, as the file says.
    """

    version: Version | None
    name: str
    kind: Kind
    state: State
    problems: tuple[Problem, ...] = ()
    checksum: str = ""
    path: str | None = None
    entry: HistoryEntry | None = None
    reversible: bool = False
    phase: Phase = Phase.PRE

    @property
    def key(self) -> str:
        """The identity in messages and documents: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    @property
    def is_pending(self) -> bool:
        """Whether it is to be run, or finished, its place in the order and its phase permitting."""
        if self.state is State.APPLYING:
            return self.path is not None
        return self.state in {State.PENDING, State.FAILED}

    @property
    def is_postponed(self) -> bool:
        """Whether it is to be run, but not before the new code is everywhere."""
        begun = self.state is State.APPLYING
        return self.is_pending and self.phase is Phase.POST and not begun

    @property
    def is_due(self) -> bool:
        """Whether it is to be run, and nothing has to be everywhere before that."""
        return self.is_pending and not self.is_postponed
