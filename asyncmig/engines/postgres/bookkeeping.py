"""The SQL that writes one step into the history, for the runner and for the script alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import milliseconds_since
from asyncmig.engines.rows import progress_text, values_of
from asyncmig.history import RowState

if TYPE_CHECKING:
    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.history import Edit, NewRow, Progress
    from asyncmig.plan import Step

SINCE_BEGIN = milliseconds_since("pg_catalog.transaction_timestamp()")
SINCE_STARTED = milliseconds_since("started_at")
"""How long a step took: since its transaction began, or, if it has several, since its row did."""


def opening(
    table: HistoryTable,
    runner: Runner,
    step: Step,
    entry_id: int,
    progress: Progress | None,
    *,
    fenced_id: str = "",
) -> list[str]:
    """Write the row of a step as ``applying``, before any side effect of the migration.

    A premature COMMIT then leaves a trace. What a repeatable supersedes goes first, because of the
    unique index; what a reversal reverts stays until the end. The row of an unfinished run is taken
    over: the file may have been corrected since.

    Args:
        table: Where to write.
        runner: Who writes.
        step: What begins.
        entry_id: Its row.
        progress: How far it got, without a transaction.
        fenced_id: SQL for the id of a new row, which fails for who must not write it.
    """
    edit = step.edit()
    values = values_of(edit.row, runner) | {
        "state": RowState.APPLYING.value,
        "progress": None if progress is None else progress_text(progress),
    }
    if step.resumes is not None:
        return [table.take_over(entry_id, values)]
    return [
        *_retired(table, edit, RowState.SUPERSEDED),
        table.insert(fenced_id or entry_id, values),
    ]


def closing(table: HistoryTable, step: Step, entry_id: int, duration_ms: str) -> list[str]:
    """Set the row of a step to its final state; the duration is SQL."""
    finish = table.finish(entry_id, step.outcome, duration_ms)
    if step.replaces is None:
        return [finish]
    return [*_retired(table, step.edit(), RowState.REVERTED), finish]


def editing(table: HistoryTable, runner: Runner, edit: Edit, entry_id: int) -> list[str]:
    """Make an edit of the history alone, all at once."""
    return [*_retired(table, edit, edit.retired_as), *appending(table, runner, edit.row, entry_id)]


def appending(table: HistoryTable, runner: Runner, row: NewRow, entry_id: int) -> list[str]:
    """Append a row that is finished at once, unless it is to be gone on with."""
    inserted = table.insert(entry_id, values_of(row, runner))
    if row.state is RowState.APPLYING:
        return [inserted]
    return [inserted, table.finish(entry_id, row.state, SINCE_BEGIN)]


def adopting(table: HistoryTable, runner: Runner, row: NewRow, entry_id: int) -> str:
    """Append a row for what another tool has done, with its time where that is known."""
    done = None if row.finished_at is None else row.finished_at.isoformat()
    return table.insert_done(entry_id, values_of(row, runner), done)


def _retired(table: HistoryTable, edit: Edit, state: RowState) -> list[str]:
    if edit.retires is None or edit.retired_as is not state:
        return []
    return [table.retire(edit.retires, state)]
