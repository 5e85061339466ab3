"""What the database remembers, and what that says about each migration.

Values only. The engines read and write the rows; :mod:`asyncmig.plan` draws the conclusions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Kind, Phase, Version, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

HISTORY_FORMAT = 1
"""The format of the history table that this release writes."""


class RowState(StrEnum):
    """How far a row of the history got. Rows change state; they are never deleted.

    ``applying`` and ``applied`` are the *active* states: at most one row of a migration and a
    direction is active, which a unique index enforces.
    """

    APPLYING = "applying"
    APPLIED = "applied"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class State(StrEnum):
    """Where a migration stands when files and history are laid side by side."""

    APPLIED = "applied"
    PENDING = "pending"
    MISSING = "missing"
    AHEAD = "ahead"
    APPLYING = "applying"
    FAILED = "failed"
    BASELINE = "baseline"
    REVERTED = "reverted"


class Problem(StrEnum):
    """Something about a migration that a person should look at."""

    CHANGED = "changed"
    OUT_OF_ORDER = "out_of_order"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    INVALID_INDEX = "invalid_index"


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
class NewRow:
    """A row to append to the history; the database adds the rest.

    Attributes:
        kind: Versioned, repeatable or baseline.
        direction: Up for an application, down for a reversal.
        version: ``None`` for a repeatable migration.
        name: What the file is called.
        checksum: Of the up part; empty for a baseline.
        state: The state to end in.
        origin: ``run``, ``baseline``, ``repair`` or the tool it is adopted from.
        down_sql: The SQL that reverts it, for images that will not have the file.
        down_transaction: Whether ``down_sql`` runs inside a transaction.
        progress: For migrations without a transaction.
        failure: For rows in state ``failed``.
        finished_at: For what another tool has done; ``None`` for now, by the server's clock.
    """

    kind: Kind
    direction: Direction
    version: Version | None
    name: str
    checksum: str
    state: RowState
    origin: str = "run"
    down_sql: str | None = field(default=None, repr=False)
    down_transaction: bool = True
    progress: Progress | None = None
    failure: Failure | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the history: a row to append, and at most one that is over.

    Attributes:
        row: The row to append.
        retires: The id of the active row that is no longer so, if there is one.
        retired_as: The state that row gets.
    """

    row: NewRow
    retires: int | None = None
    retired_as: RowState = RowState.SUPERSEDED


Identity = Version | str
"""A version, or the name of a repeatable migration."""


def identity_of(version: Version | None, name: str) -> Identity:
    """Return the version, or the name of what has none."""
    return name if version is None else version


@dataclass(frozen=True, slots=True)
class History:
    """The whole history of one database, oldest row first.

    Attributes:
        entries: The rows.
        exists: ``False`` when the database has no history table yet.
        counted: How many rows are unfinished, where that is known; ``None`` to count them.
    """

    entries: tuple[HistoryEntry, ...] = ()
    exists: bool = True
    counted: int | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[HistoryEntry]:
        """Go through the rows, oldest first."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.entries)

    @property
    def generation(self) -> Generation:
        """What tells this history from every other one of the same database."""
        return Generation(self._newest_id, self._unfinished)

    @property
    def _newest_id(self) -> int:
        return self.entries[-1].id if self.entries else 0

    @property
    def _unfinished(self) -> int:
        if self.counted is not None:
            return self.counted
        return sum(1 for entry in self.entries if entry.state is RowState.APPLYING)

    def since(self, generation: Generation) -> tuple[HistoryEntry, ...]:
        """Return the rows that were appended after that generation."""
        return tuple(entry for entry in self.entries if entry.id > generation.newest_id)

    def with_entry(self, entry: HistoryEntry, edit: Edit) -> History:
        """Return the history after that edit; ``entry`` is the row it appended or finished."""
        if edit.retires is None and entry.id > self._newest_id:
            return self._with_newest(entry)
        kept = tuple(
            replace(row, state=edit.retired_as) if row.id == edit.retires else row
            for row in self.entries
            if row.id != entry.id
        )
        return History(tuple(sorted((*kept, entry), key=lambda row: row.id)))

    def _with_newest(self, entry: HistoryEntry) -> History:
        """Append a row, as nearly every step does, without a look at those before it."""
        unfinished = self._unfinished + (entry.state is RowState.APPLYING)
        return History(self.entries + (entry,), counted=unfinished)  # noqa: RUF005 - half the time

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


def newest(versions: Iterable[Version | None]) -> Version | None:
    """Return the highest of the versions, ``None`` when there are none."""
    return max((version for version in versions if version is not None), default=None)


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
