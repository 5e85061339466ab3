"""The one JSON document that ``--json`` prints, whatever happens.

Its fields, in this order::

    {
      "format": 1,                   the format of this document
      "command": "up",               null when no command was recognised
      "database": "sqlite:///a.db",  without a password; null when it is not known
      "current": "002",              the newest applied version; null when there is none, or when
                                     the command did not look
      "pending": 0,                  how many are pending; null when the command did not look
      "migrations": [
        {
          "version": "001",          "R__name" for a repeatable migration
          "name": "create_users",
          "kind": "versioned",       or "repeatable"; in a history also "baseline"
          "state": "applied",        where it stands; see asyncmig.State
          "problems": [],            see asyncmig.Problem
          "direction": "up",         the way it was last run; null when it never was
          "applied_at": "…Z",        when that was finished, UTC, by the server's clock
          "duration_ms": 12,
          "checksum": "sha256:v1:…",
          "progress": null           for one in batches how many are done: {"batches", "rows"}; the
                                     rows are null for Python
        }
      ],
      "lock_wait_ms": 0,
      "error": null                  or an object: type, message, hint, version, file, line, column
    }

For ``up``, ``down``, ``redo`` and ``reset`` the migrations are those that the run applied or
reverted, also when it failed or was interrupted later on; for ``status``, ``plan``, ``verify`` and
``wait`` those known; for ``history`` its rows.

Behind these fields some commands have their own: those whose ``pending`` is a number have
``postponed``, the versions that wait for ``up --phase post``; ``plan`` has ``steps`` (version,
name, direction, file, transaction) and with ``--sql`` also ``script``; ``new`` and ``init`` have
``paths``; ``check`` has ``errors``; ``lint`` and ``check --lint`` have ``findings`` and ``notes``;
``baseline`` and ``repair`` have ``description`` and ``changed``; ``adopt`` has these, ``tool``,
``table``, ``verified``, ``adopted`` and the lists ``matched``, ``without_file``, ``out_of_order``
and ``differing`` (version, name, key, file, applied_at). The rows of a history have ``id``,
``user``, ``host``, ``pid``, ``run_id``, ``origin`` and ``tool_version`` besides.

What was run with ``--lock-report``, ``--fail-on`` or ``-v`` has ``locks`` behind its row, and so
has the error of a migration that a policy refused: ``held_ms``, ``wal_bytes``, ``batches`` (how
many it is about, the worst of each; null for what does not run in batches) and ``relations``
(relation, kind, mode, blocks_reads, blocks_writes, rewritten, scanned, rows, bytes, held_ms, line,
inherited). ``trace`` has ``traced`` (version, name, file, batch: for how many rows the one that was
run is, else null; locks, violations: hazard, relation) and ``untraced`` (version, name, file,
reason).

The error of a migration that failed in a single transaction has ``rolled_back``, the versions that
had run before it, if there are any.

Fields may be added; those that are there keep their meaning as long as ``format`` is 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from asyncmig.cli.secrets import redacted
from asyncmig.history import RowState
from asyncmig.migration import Direction, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from asyncmig.cli.journal import Journal
    from asyncmig.errors import AsyncmigError
    from asyncmig.events import MigrationApplied, MigrationReverted
    from asyncmig.history import HistoryEntry, MigrationStatus
    from asyncmig.locks import LockReport

FORMAT = 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document says besides the command and the error.

    Attributes:
        database: The database's address, without a password.
        current: The newest applied version.
        pending: How many migrations are pending.
        migrations: As :func:`row_of_status` and its kin return them.
        lock_wait_ms: How long the lock took.
        more: The command's own fields.
    """

    database: str | None = None
    current: str | None = None
    pending: int | None = None
    migrations: tuple[Row, ...] = ()
    lock_wait_ms: int = 0
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


def render(command: str | None, facts: Facts, error: Exception | None = None) -> str:
    """Return the document.

    It is ASCII: no encoding of a terminal or a pipe can break it.
    """
    content = {
        "format": FORMAT,
        "command": command,
        "database": facts.database,
        "current": facts.current,
        "pending": facts.pending,
        "migrations": facts.migrations,
        "lock_wait_ms": facts.lock_wait_ms,
        "error": None if error is None else row_of_error(error),
        **facts.more,
    }
    return json.dumps(content, indent=2)


def facts_of_journal(journal: Journal) -> Facts:
    """Return what is known of a run that did not come to its end."""
    return Facts(
        database=journal.database,
        current=journal.current,
        pending=journal.pending,
        migrations=tuple(
            with_locks(row_of_event(event), journal.locks.get((event.version, event.direction)))
            for event in journal.done
        ),
        lock_wait_ms=journal.lock_wait_ms,
    )


def row_of_status(status: MigrationStatus) -> Row:
    """Return a migration as files and history know it."""
    entry = status.entry
    return {
        "version": status.key,
        "name": status.name,
        "kind": status.kind.value,
        "state": status.state.value,
        "problems": [problem.value for problem in status.problems],
        "direction": None if entry is None else entry.direction.value,
        "applied_at": None if entry is None else written(entry.finished_at),
        "duration_ms": None if entry is None else entry.duration_ms,
        "checksum": status.checksum,
        "progress": None if entry is None else _row_of_progress(entry),
    }


def row_of_entry(entry: HistoryEntry) -> Row:
    """Return a row of the history, as what a run did."""
    return {
        "version": entry.key,
        "name": entry.name,
        "kind": entry.kind.value,
        "state": entry.state.value,
        "problems": [],
        "direction": entry.direction.value,
        "applied_at": written(entry.finished_at),
        "duration_ms": entry.duration_ms,
        "checksum": entry.checksum,
        "progress": _row_of_progress(entry),
    }


def row_of_history(entry: HistoryEntry) -> Row:
    """Return a row of the history, with who wrote it."""
    return {
        **row_of_entry(entry),
        "id": entry.id,
        "user": entry.user,
        "host": entry.host,
        "pid": entry.pid,
        "run_id": entry.run_id,
        "origin": entry.origin,
        "tool_version": entry.tool_version,
    }


def row_of_event(event: MigrationApplied | MigrationReverted) -> Row:
    """Return what an event says of a migration: a run that failed leaves nothing else."""
    applied = event.direction is Direction.UP
    kind = Kind.REPEATABLE if event.version.startswith("R__") else Kind.VERSIONED
    return {
        "version": event.version,
        "name": event.name,
        "kind": kind.value,
        "state": (RowState.APPLIED if applied else RowState.REVERTED).value,
        "problems": [],
        "direction": event.direction.value,
        "applied_at": None,
        "duration_ms": event.duration_ms,
        "checksum": None,
        "progress": None,
    }


def with_locks(row: Row, report: LockReport | None) -> Row:
    """Return a row with what the migration locked behind it, if that was asked for."""
    return row if report is None else {**row, "locks": report.as_row()}


def row_of_error(error: Exception) -> Row:
    """Return an error. One that is not of our tree is a bug, and has a type and a message."""
    row = {
        "type": type(error).__name__,
        "message": redacted(str(error)),
        "hint": getattr(error, "hint", None) or None,
        "version": getattr(error, "version", None),
        "file": getattr(error, "file", None),
        "line": getattr(error, "line", None),
        "column": getattr(error, "column", None),
    }
    if rolled_back := getattr(error, "rolled_back", ()):
        row["rolled_back"] = list(rolled_back)
    return with_locks(row, getattr(error, "report", None))


def rows_of_errors(errors: Iterable[AsyncmigError]) -> list[Row]:
    """Return several errors, as ``check`` finds them."""
    return [row_of_error(error) for error in errors]


def _row_of_progress(entry: HistoryEntry) -> Row | None:
    """Return how far batches got; ``None`` for what does not run in batches."""
    batches = entry.progress.batches if entry.progress else None
    return None if batches is None else {"batches": batches.count, "rows": batches.rows}


def written(moment: datetime | None) -> str | None:
    """Return a time in UTC as ISO 8601 has it, with milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
