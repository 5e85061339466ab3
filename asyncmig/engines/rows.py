"""The history table, column by column, in the terms that both databases share.

Every value crosses the driver as text (or NULL): an application's own codecs, on a connection that
it lends, cannot change what is read here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asyncmig import history
from asyncmig.errors import HistoryFormatError
from asyncmig.history import HISTORY_FORMAT, RowState
from asyncmig.migration import Direction, Kind, Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.engines.base import Runner
    from asyncmig.history import Batches, Failure, HistoryEntry, NewRow, Progress

COLUMNS = (
    "id",
    "format",
    "kind",
    "direction",
    "version",
    "name",
    "checksum",
    "state",
    "started_at",
    "finished_at",
    "duration_ms",
    "username",
    "hostname",
    "pid",
    "run_id",
    "origin",
    "tool_version",
    "down_sql",
    "down_transaction",
    "progress",
    "failure",
)
"""The columns in the order of the table."""

ACTIVE_KEY = "coalesce(ltrim(version, '0'), 'R__' || name)"
"""What the unique index over the active rows is about: one row for each migration."""


def entry_from(row: Mapping[str, str | None]) -> HistoryEntry:
    """Return the entry that a row of text stands for.

    Raises:
        HistoryFormatError: A newer release wrote the row.
    """
    _refuse_newer(row)
    version, finished, duration = row["version"], row["finished_at"], row["duration_ms"]
    return history.HistoryEntry(
        id=int(_text(row, "id")),
        kind=Kind(_text(row, "kind")),
        direction=Direction(_text(row, "direction")),
        version=None if version is None else Version(version),
        name=_text(row, "name"),
        checksum=_text(row, "checksum"),
        state=RowState(_text(row, "state")),
        started_at=instant_of(_text(row, "started_at")),
        finished_at=None if finished is None else instant_of(finished),
        duration_ms=None if duration is None else int(duration),
        user=_text(row, "username"),
        host=_text(row, "hostname"),
        pid=int(_text(row, "pid")),
        run_id=_text(row, "run_id"),
        origin=_text(row, "origin"),
        tool_version=_text(row, "tool_version"),
        down_sql=row["down_sql"],
        down_transaction=_text(row, "down_transaction") == "1",
        progress=_progress_from(row["progress"]),
        failure=_failure_from(row["failure"]),
    )


def finished_entry(
    entry_id: int,
    row: NewRow,
    runner: Runner,
    *,
    started_at: datetime,
    finished_at: datetime,
    duration_ms: int,
    user: str = "",
) -> HistoryEntry:
    """Return the entry that a new row becomes.

    Args:
        entry_id: Its id.
        row: What the runner has written.
        runner: Who has.
        started_at: By the database's clock, as the rest.
        finished_at: Of the same.
        duration_ms: In milliseconds.
        user: Who that is to the database.
    """
    return history.HistoryEntry(
        id=entry_id,
        kind=row.kind,
        direction=row.direction,
        version=row.version,
        name=row.name,
        checksum=row.checksum,
        state=row.state,
        started_at=started_at,
        finished_at=finished_at,
        duration_ms=duration_ms,
        user=user,
        host=runner.host,
        pid=runner.pid,
        run_id=runner.run_id,
        origin=row.origin,
        tool_version=runner.tool_version,
        down_sql=row.down_sql,
        down_transaction=row.down_transaction,
        progress=row.progress,
        failure=row.failure,
    )


def values_of(row: NewRow, runner: Runner) -> dict[str, str | int | None]:
    """Return the columns that the runner knows; id, clock and user are the server's."""
    return {
        "format": HISTORY_FORMAT,
        "kind": row.kind.value,
        "direction": row.direction.value,
        "version": None if row.version is None else row.version.text,
        "name": row.name,
        "checksum": row.checksum,
        "state": row.state.value,
        "hostname": runner.host,
        "pid": runner.pid,
        "run_id": runner.run_id,
        "origin": row.origin,
        "tool_version": runner.tool_version,
        "down_sql": row.down_sql,
        "down_transaction": int(row.down_transaction),
        "progress": None if row.progress is None else progress_text(row.progress),
        "failure": None if row.failure is None else failure_text(row.failure),
    }


def progress_text(progress: Progress) -> str:
    """Return the progress as the column holds it.

    A release that knows nothing of batches finds a statement that was started and not finished,
    and does not go on with it.
    """
    steps = {"done": list(progress.done), "started": progress.started}
    return json.dumps(steps | _batches_fields(progress.batches))


def failure_text(failure: Failure) -> str:
    """Return the failure as the column holds it."""
    place = {"line": failure.line, "column": failure.column}
    return json.dumps({"message": failure.message, "sqlstate": failure.sqlstate, **place})


def _refuse_newer(row: Mapping[str, str | None]) -> None:
    found = int(_text(row, "format"))
    if found > HISTORY_FORMAT:
        message = f"the history is of format {found}, and this release knows up to {HISTORY_FORMAT}"
        raise HistoryFormatError(message, hint="upgrade asyncmig")


def _text(row: Mapping[str, str | None], column: str) -> str:
    value = row[column]
    if value is None:
        message = f"the history has a row without {column}"
        raise HistoryFormatError(message, hint="was the table edited by hand?")
    return value


def instant_of(text: str) -> datetime:
    """Return a point in time, which is in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _progress_from(text: str | None) -> Progress | None:
    if text is None:
        return None
    value: dict[str, Any] = json.loads(text)
    return history.Progress(
        tuple(value["done"]), value["started"], _batches_from(value.get("batches"))
    )


def _batches_fields(batches: Batches | None) -> dict[str, Any]:
    if batches is None:
        return {}
    told = {"count": batches.count, "rows": batches.rows, "cursor": json.loads(batches.cursor)}
    return {"batches": {**told, "size": batches.size, "spent_ms": batches.spent_ms}}


def _batches_from(value: dict[str, Any] | None) -> Batches | None:
    if value is None:
        return None
    cursor = json.dumps(value["cursor"])
    return history.Batches(value["count"], value["rows"], cursor, value["size"], value["spent_ms"])


def _failure_from(text: str | None) -> Failure | None:
    if text is None:
        return None
    value: dict[str, Any] = json.loads(text)
    return history.Failure(value["message"], value["sqlstate"], value["line"], value["column"])
