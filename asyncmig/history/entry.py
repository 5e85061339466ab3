"""A row of the history, as it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.history.state import RowState
from asyncmig.migration import Version, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from asyncmig.migration import Direction, Kind


@dataclass(frozen=True, slots=True)
class Batches:
    """How far a migration in batches got, over all of its runs.

    Attributes:
        count: How many batches are committed.
        rows: How many rows they have changed; ``None`` for Python, which does not say.
        cursor: What the last of them returned, as JSON; the next one goes on behind it.
        size: How many rows the next batch is for.
        spent_ms: Milliseconds that they took.
    """

    count: int = 0
    rows: int | None = None
    cursor: str = "null"
    size: int = 0
    spent_ms: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration got that commits more than once.

    Attributes:
        done: The checksums of the statements that are finished, in order.
        started: The checksum of the statement that was started and not seen to finish, if any; in
            batches, of what runs again and again. Nothing is in doubt then.
        batches: For a migration in batches.
    """

    done: tuple[str, ...] = ()
    started: str | None = None
    batches: Batches | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a migration failed, as recorded for the runners that wait.

    Attributes:
        message: The database's own words, or the Python exception's.
        sqlstate: PostgreSQL's five-character code; ``None`` where there is none.
        line: The line of the file, 1-based, where it is known.
        column: The column in that line, 1-based, in characters, where it is known.
    """

    message: str
    sqlstate: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of the history.

    Attributes:
        id: Position in the history, from 1; every change of the history appends a row.
        kind: Versioned, repeatable or baseline.
        direction: Up for an application, down for a reversal.
        version: ``None`` for a repeatable migration.
        name: What the file was called.
        checksum: Of the part that was applied; empty for a baseline.
        state: How far it got.
        started_at: By the server's clock, in UTC.
        finished_at: By the server's clock, in UTC; ``None`` while it is not finished.
        duration_ms: How long it ran, in milliseconds; ``None`` while it is not finished.
        user: The database's user; empty on SQLite.
        host: The name of the machine that ran it.
        pid: The process on that machine.
        run_id: The run that wrote the row.
        origin: ``run``, ``baseline``, ``repair`` or the tool it was adopted from.
        tool_version: The release of asyncmig that wrote the row.
        down_sql: The SQL that reverts it, kept for images that do not have the file.
        down_transaction: Whether ``down_sql`` runs inside a transaction.
        progress: Statement by statement, for migrations without a transaction.
        failure: Why it failed, for the rows in state ``failed``.
    """

    id: int
    kind: Kind
    direction: Direction
    version: Version | None
    name: str
    checksum: str
    state: RowState
    started_at: datetime
    finished_at: datetime | None = None
    duration_ms: int | None = None
    user: str = ""
    host: str = ""
    pid: int = 0
    run_id: str = ""
    origin: str = "run"
    tool_version: str = ""
    down_sql: str | None = field(default=None, repr=False)
    down_transaction: bool = True
    progress: Progress | None = None
    failure: Failure | None = None

    @property
    def key(self) -> str:
        """The identity in messages and documents: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    @property
    def identity(self) -> Identity:
        """What tells migrations apart: the version as a number, or the repeatable's name."""
        return identity_of(self.version, self.name)

    @property
    def is_active(self) -> bool:
        """Whether the row says what is in the database now, or is being changed right now."""
        return self.state in {RowState.APPLYING, RowState.APPLIED}


Identity = Version | str
"""A version, or the name of a repeatable migration."""


def identity_of(version: Version | None, name: str) -> Identity:
    """Return the version, or the name of what has none."""
    return name if version is None else version


def newest(versions: Iterable[Version | None]) -> Version | None:
    """Return the highest of the versions, ``None`` when there are none."""
    known = (version for version in versions if version is not None)
    return max(known, key=lambda version: version.numbers, default=None)
