"""What a step changes in the history, as commands: the same for a run and for a script. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.engines.rows import finished_entry
from asyncmig.history import Generation, Progress, RowState

if TYPE_CHECKING:
    from datetime import datetime

    from asyncmig.engines.base import Runner
    from asyncmig.engines.sqlite.table import Command, Table
    from asyncmig.history import HistoryEntry
    from asyncmig.plan import Step


@dataclass(frozen=True, slots=True)
class RowOfStep:
    """The row of a step: a new one, or the one that an unfinished run has left.

    Attributes:
        step: What is run.
        planned: The generation of the history in front of it.
        table: The history.
        runner: Who runs it.
    """

    step: Step
    planned: Generation
    table: Table
    runner: Runner

    @property
    def id(self) -> int:
        """The id of the row."""
        resumes = self.step.resumes
        return self.planned.newest_id + 1 if resumes is None else resumes.id

    @property
    def opened(self) -> Generation:
        """The generation while the row is unfinished."""
        if self.step.resumes is not None:
            return self.planned
        return Generation(self.id, self.planned.unfinished + 1)

    @property
    def closed(self) -> Generation:
        """The generation when the row is finished."""
        if self.step.resumes is not None:
            return Generation(self.planned.newest_id, self.planned.unfinished - 1)
        return Generation(self.id, self.planned.unfinished)

    def opening(self, progress: Progress | None = None) -> tuple[Command, ...]:
        """Begin the row. What a repeatable supersedes goes first: only one may be active."""
        edit = self.step.edit()
        row = replace(edit.row, state=RowState.APPLYING, progress=progress)
        if self.step.resumes is not None:
            return (self.table.take_over(self.id, row, self.runner),)
        first = self.table.retire(edit) if edit.retired_as is RowState.SUPERSEDED else ()
        return (*first, self.table.insert(self.id, row, self.runner))

    def at_once(
        self, began: datetime, ended: datetime, duration_ms: int
    ) -> tuple[HistoryEntry, tuple[Command, ...]]:
        """Write the row when all is done, and return what it says. Only for a new one.

        Inside a transaction that nothing but the runner can end, nobody could see the row begin.
        """
        edit = self.step.edit()
        entry = finished_entry(
            self.id,
            edit.row,
            self.runner,
            started_at=began,
            finished_at=ended,
            duration_ms=duration_ms,
        )
        append = self.table.append(entry, edit.row, self.runner)
        return entry, (*self.table.retire(edit), append)

    def noting(self, progress: Progress | None) -> Command:
        """Say how far the step got; ``None`` when that is not known."""
        return self.table.progress(self.id, progress)

    def closing(self, duration_ms: int | None = None) -> tuple[Command, ...]:
        """Finish the row. What a reversal reverts is over only now: it may have to be resumed."""
        edit = self.step.edit()
        first = self.table.retire(edit) if edit.retired_as is RowState.REVERTED else ()
        return (*first, self.table.finish(self.id, edit.row.state, duration_ms))
