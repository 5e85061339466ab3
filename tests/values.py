"""Short spellings of files and of rows of the history, for tests of what is pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asyncmig.checksum import checksum
from asyncmig.history import History, HistoryEntry, RowState
from asyncmig.migration import Direction, Kind, Migration, PythonScript, Script, SqlScript, Version
from asyncmig.request import Request

if TYPE_CHECKING:
    from asyncmig.history import Edit, Failure, Progress

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def versioned(version: int | str, *, text: str = "", down: str | None = "") -> Migration:
    """Return a SQL file that can be reverted, or cannot with ``down=None``."""
    up = text or f"up {version}"
    path = f"migrations/{version}_v{version}.sql"
    back = None if down is None else SqlScript(down or f"down {version}", path)
    return Migration(Version(str(version)), f"v{version}", checksum(up), SqlScript(up, path), back)


def in_python(version: int, *, source: str = "") -> Migration:
    """Return a Python file that can be reverted."""
    text = source or f"source of {version}"
    path = f"migrations/{version}_v{version}.py"
    up, down = PythonScript(text, path, "up"), PythonScript(text, path, "down")
    return Migration(Version(str(version)), f"v{version}", checksum(text), up, down)


def repeatable(name: str, text: str = "first") -> Migration:
    """Return a repeatable file."""
    return Migration(None, name, checksum(text), SqlScript(text, f"migrations/R__{name}.sql"))


def row(
    entry_id: int,
    migration: Migration,
    state: RowState = RowState.APPLIED,
    *,
    direction: Direction = Direction.UP,
    progress: Progress | None = None,
    failure: Failure | None = None,
) -> HistoryEntry:
    """Return the row that a run of the migration leaves."""
    return HistoryEntry(
        id=entry_id,
        kind=migration.kind,
        direction=direction,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        state=state,
        started_at=NOON,
        down_sql=_text(migration.down),
        progress=progress,
        failure=failure,
    )


def baseline(entry_id: int, version: int, state: RowState = RowState.APPLIED) -> HistoryEntry:
    """Return the row that a baseline leaves."""
    return HistoryEntry(
        id=entry_id,
        kind=Kind.BASELINE,
        direction=Direction.UP,
        version=Version(str(version)),
        name="baseline",
        checksum="",
        state=state,
        started_at=NOON,
        origin="baseline",
    )


def history(*entries: HistoryEntry) -> History:
    """Return a history of these rows."""
    return History(entries)


def applied(*migrations: Migration) -> History:
    """Return a history in which these files, and nothing else, were applied in this order."""
    return history(*(row(number, file) for number, file in enumerate(migrations, start=1)))


def entry_of(edit: Edit, entry_id: int) -> HistoryEntry:
    """Return the row that a database makes of an edit."""
    new = edit.row
    return HistoryEntry(
        id=entry_id,
        kind=new.kind,
        direction=new.direction,
        version=new.version,
        name=new.name,
        checksum=new.checksum,
        state=new.state,
        started_at=NOON,
        finished_at=NOON,
        duration_ms=0,
        origin=new.origin,
        down_sql=new.down_sql,
        down_transaction=new.down_transaction,
        progress=new.progress,
        failure=new.failure,
    )


def after(before: History, *edits: Edit) -> History:
    """Return the history after these edits, each of which appends a row."""
    for edit in edits:
        before = before.with_entry(entry_of(edit, before.generation.newest_id + 1), edit)
    return before


def finished(entry: HistoryEntry, state: RowState) -> HistoryEntry:
    """Return an unfinished row as it is once its run is over."""
    return replace(entry, state=state, finished_at=NOON, duration_ms=0, progress=None)


def up(to: int | None = None, steps: int | None = None) -> Request:
    """Return a request to go up."""
    return Request(Direction.UP, to=_version(to), steps=steps)


def down(to: int | None = None, steps: int | None = None, *, from_history: bool = False) -> Request:
    """Return a request to go down."""
    return Request(Direction.DOWN, to=_version(to), steps=steps, from_history=from_history)


def _version(number: int | None) -> Version | None:
    return None if number is None else Version(str(number))


def _text(script: Script | None) -> str | None:
    return script.text if isinstance(script, SqlScript) else None
