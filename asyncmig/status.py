"""Lay the files and the history side by side: one status for each migration.

The rules for rolling deploys, in which an old and a new image restart in turns, live here:

* A version that is newer than every file is *ahead*, not missing.
* A repeatable is not pending when the database is ahead, nor with a text that it had before and
  that was superseded. Otherwise an old pod would put the old view back.
* A repeatable is pending again after any version was reverted, with the text that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.history import (
    History,
    HistoryEntry,
    Identity,
    MigrationStatus,
    Problem,
    RowState,
    State,
    identity_of,
    newest,
)
from asyncmig.migration import Direction, Kind, Migration, Phase, Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def current_version(history: History) -> Version | None:
    """Return the newest version that is applied or covered by a baseline; not a half-done one."""
    rows = history.active().values()
    applied = (row.version for row in rows if row.state is RowState.APPLIED)
    return newest((*applied, history.baseline()))


def newest_begun(history: History) -> Version | None:
    """Return the newest version of which anything may be in the database."""
    return newest((*active_versions(history), history.baseline()))


def classify(migrations: Sequence[Migration], history: History) -> tuple[MigrationStatus, ...]:
    """Lay files and history side by side.

    Returns:
        One status for each migration that the files know or that is active in the history:
        versioned ones by version, then repeatables by name.
    """
    view = _View.of(migrations, history)
    known = [view.status(migration) for migration in migrations]
    seen = {identity_of(migration.version, migration.name) for migration in migrations}
    gone = [view.without_file(row) for row in view.active.values() if row.identity not in seen]
    return tuple(sorted(known + gone, key=_order))


@dataclass(frozen=True, slots=True)
class _View:
    """The facts about files and history that every status is read from."""

    active: dict[Identity, HistoryEntry]
    last: dict[Identity, HistoryEntry]
    superseded: frozenset[tuple[Identity, str]]
    baseline: Version | None
    newest_begun: Version | None
    newest_file: Version | None
    last_reversal: int

    @classmethod
    def of(cls, migrations: Sequence[Migration], history: History) -> _View:
        """Collect the facts once, so that a status costs no search."""
        active, baseline = history.active(), history.baseline()
        rows = [row for row in history if row.kind is not Kind.BASELINE]
        past = (row for row in rows if row.state is RowState.SUPERSEDED)
        return cls(
            active=active,
            last={row.identity: row for row in rows},
            superseded=frozenset((row.identity, row.checksum) for row in past),
            baseline=baseline,
            newest_begun=newest((*(row.version for row in active.values()), baseline)),
            newest_file=newest(migration.version for migration in migrations),
            last_reversal=max((row.id for row in rows if _is_reversal(row)), default=0),
        )

    @property
    def is_ahead(self) -> bool:
        """Whether the database knows a version that is newer than every file."""
        return self._is_newer_than_files(self.newest_begun)

    def status(self, migration: Migration) -> MigrationStatus:
        identity = identity_of(migration.version, migration.name)
        row = self.active.get(identity)
        last = self.last.get(identity)
        repeatable = migration.kind is Kind.REPEATABLE
        state = self._repeatable(migration, row) if repeatable else self._versioned(migration, row)
        if state is State.PENDING and _is_failed_up(last):
            state = State.FAILED
        return MigrationStatus(
            version=migration.version,
            name=migration.name,
            kind=migration.kind,
            state=state,
            problems=tuple(self._problems(migration, state, row)),
            checksum=migration.checksum,
            path=migration.path,
            entry=row or last,
            reversible=migration.down is not None,
            phase=migration.phase,
        )

    def without_file(self, row: HistoryEntry) -> MigrationStatus:
        ahead = self._is_newer_than_files(row.version)
        state = State.AHEAD if ahead else State.MISSING
        if row.state is RowState.APPLYING:
            state = State.APPLYING
        problems = [Problem.INCOMPLETE] if state is State.APPLYING else []
        if state is State.MISSING and row.version is not None and not self._covered(row.version):
            problems.append(Problem.MISSING)
        return MigrationStatus(
            version=row.version,
            name=row.name,
            kind=row.kind,
            state=state,
            problems=tuple(problems),
            checksum=row.checksum,
            entry=row,
            reversible=row.down_sql is not None,
        )

    def _versioned(self, migration: Migration, row: HistoryEntry | None) -> State:
        if row is not None:
            return State.APPLYING if row.state is RowState.APPLYING else State.APPLIED
        return State.BASELINE if self._covered(migration.version) else State.PENDING

    def _repeatable(self, migration: Migration, row: HistoryEntry | None) -> State:
        if row is not None and row.state is RowState.APPLYING:
            return State.APPLYING
        if row is not None and row.checksum == migration.checksum:
            # What a version's way down took with it (a view of its table) is put back with it.
            taken_down = row.id < self.last_reversal and not self.is_ahead
            return State.PENDING if taken_down else State.APPLIED
        had_before = (migration.name, migration.checksum) in self.superseded
        return State.AHEAD if self.is_ahead or had_before else State.PENDING

    def _problems(
        self, migration: Migration, state: State, row: HistoryEntry | None
    ) -> Iterator[Problem]:
        if state is State.APPLYING:
            yield Problem.INCOMPLETE
        if migration.version is None:
            return
        if state is State.APPLIED and row is not None and _differs(row, migration):
            yield Problem.CHANGED
        if state in {State.PENDING, State.FAILED} and self._is_late(migration):
            yield Problem.OUT_OF_ORDER

    def _is_late(self, migration: Migration) -> bool:
        """Tell whether its turn has passed. The second phase comes later on purpose."""
        if migration.version is None or migration.phase is Phase.POST:
            return False
        return self.newest_begun is not None and migration.version < self.newest_begun

    def _covered(self, version: Version | None) -> bool:
        return version is not None and self.baseline is not None and version <= self.baseline

    def _is_newer_than_files(self, version: Version | None) -> bool:
        if version is None:
            return False
        return self.newest_file is None or version > self.newest_file


def _is_failed_up(row: HistoryEntry | None) -> bool:
    """Tell whether the row is a failure to apply; one to revert says nothing about the next up."""
    return row is not None and (row.state, row.direction) == (RowState.FAILED, Direction.UP)


def _differs(row: HistoryEntry, migration: Migration) -> bool:
    """Tell whether the file was edited. What was adopted ahead of its file has no checksum."""
    return bool(row.checksum) and row.checksum != migration.checksum


def _is_reversal(row: HistoryEntry) -> bool:
    return row.direction is Direction.DOWN and row.state is RowState.REVERTED


def _order(status: MigrationStatus) -> tuple[bool, tuple[int, ...], str]:
    """Sort versions by number, and repeatables behind them by name."""
    numbers = () if status.version is None else status.version.numbers
    return (status.version is None, numbers, status.name)


def active_versions(history: History) -> Iterator[Version]:
    """Go through the versions that have a row of their own, in no order; baselines have none."""
    for row in history.active().values():
        if row.version is not None:
            yield row.version
