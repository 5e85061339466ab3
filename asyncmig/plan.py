"""Decide what to run: files x history x request -> plan, or what is wrong.

Everything here is pure. The same decision is made twice in a run, once without the lock (is there
anything to do?) and once under it, and again whenever the history turns out to have moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.errors import (
    ChangedMigrationError,
    IncompleteMigrationError,
    IrreversibleMigrationError,
    MissingMigrationError,
    OutOfOrderError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.history import (
    Edit,
    Generation,
    History,
    HistoryEntry,
    Identity,
    MigrationStatus,
    NewRow,
    Problem,
    RowState,
    identity_of,
    newest,
)
from asyncmig.migration import (
    Direction,
    Kind,
    Migration,
    PythonScript,
    Script,
    SqlScript,
    Version,
    key_of,
)
from asyncmig.status import applied_versions, classify, current_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class OutOfOrder(StrEnum):
    """What to do with a pending version below the newest applied one.

    ``error`` refuses the run, ``apply`` applies it, ``warn`` leaves it pending and says so.
    """

    ERROR = "error"
    APPLY = "apply"
    WARN = "warn"


class Changed(StrEnum):
    """What to do with a file that was edited after it had been applied."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Policy:
    """How strictly files and history must agree.

    Attributes:
        out_of_order: For pending versions below the newest applied one.
        changed_sql: For edited SQL files.
        changed_python: For edited Python files, which formatters like to touch.
    """

    out_of_order: OutOfOrder = OutOfOrder.ERROR
    changed_sql: Changed = Changed.ERROR
    changed_python: Changed = Changed.WARN

    def refuses(self, migration: Migration) -> bool:
        """Tell whether an edit of that migration's file stops the run."""
        python = isinstance(migration.up, PythonScript)
        return (self.changed_python if python else self.changed_sql) is Changed.ERROR

    def skips(self, status: MigrationStatus) -> bool:
        """Tell whether a late migration is left pending."""
        late = Problem.OUT_OF_ORDER in status.problems
        return late and self.out_of_order is OutOfOrder.WARN


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller asked for.

    Attributes:
        direction: Up or down.
        to: Where to stop. For up it is the last version applied, for down it stays applied;
            version 0 means below every migration. ``None`` for no such limit.
        steps: How many versioned migrations at most; ``None`` for no such limit.
        from_history: Whether ``down`` may run the SQL that is stored in the history for versions
            that have no file.
    """

    direction: Direction
    to: Version | None = None
    steps: int | None = None
    from_history: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.steps is not None and self.steps < 1:
            message = f"steps must be 1 or more, not {self.steps}"
            raise TargetError(message)
        if self.steps is not None and self.to is not None:
            message = "give either a target version or a number of steps, not both"
            raise TargetError(message)

    def after(self, done: int) -> Request | None:
        """Return what is left of the request after so many steps, ``None`` when nothing is."""
        if self.steps is None:
            return self
        return replace(self, steps=self.steps - done) if done < self.steps else None


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to run in one direction.

    Attributes:
        direction: Up or down.
        version: ``None`` for a repeatable migration.
        name: What the file, or else the history, calls it.
        checksum: Of the up part, for the history.
        script: What to run.
        down: What would revert it, to be stored in the history; ``None`` for a reversal.
        replaces: The active row that this step makes a thing of the past: what a reversal reverts,
            what a repeatable supersedes.
        resumes: The row of the unfinished run that this step goes on with; the row is kept and
            finished, none is appended.
    """

    direction: Direction
    version: Version | None
    name: str
    checksum: str
    script: Script
    down: Script | None = None
    replaces: HistoryEntry | None = None
    resumes: HistoryEntry | None = None

    @property
    def kind(self) -> Kind:
        """Repeatable when there is no version, else versioned."""
        return Kind.REPEATABLE if self.version is None else Kind.VERSIONED

    @property
    def identity(self) -> Identity:
        """What tells migrations apart."""
        return identity_of(self.version, self.name)

    @property
    def key(self) -> str:
        """The identity in messages and documents: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    def edit(self) -> Edit:
        """Return what this step, once it is done, changes in the history."""
        up = self.direction is Direction.UP
        sql = self.down if isinstance(self.down, SqlScript) else None
        row = NewRow(
            kind=self.kind,
            direction=self.direction,
            version=self.version,
            name=self.name,
            checksum=self.checksum,
            state=RowState.APPLIED if up else RowState.REVERTED,
            down_sql=None if sql is None else sql.text,
            down_transaction=sql is None or sql.transaction,
        )
        return Edit(
            row,
            retires=None if self.replaces is None else self.replaces.id,
            retired_as=RowState.SUPERSEDED if up else RowState.REVERTED,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, and what it saw on the way.

    Attributes:
        steps: What to run, in order.
        statuses: Every migration that the files or the history know.
        generation: The history that the plan was made from; it holds for no other.
    """

    steps: tuple[Step, ...]
    statuses: tuple[MigrationStatus, ...]
    generation: Generation

    @property
    def warnings(self) -> tuple[MigrationStatus, ...]:
        """The migrations that have a problem which did not stop the run."""
        return tuple(status for status in self.statuses if status.problems)


def make_plan(
    migrations: Sequence[Migration], history: History, request: Request, policy: Policy
) -> Plan:
    """Return what to run so that the request is met.

    Args:
        migrations: The files, in any order.
        history: What the database remembers.
        request: What the caller asked for.
        policy: How strictly both must agree.

    Raises:
        HistoryError: Files and history disagree in a way that the policy does not allow.
        TargetError: The request names an unknown version, or one that cannot be reverted.
    """
    statuses = classify(migrations, history)
    _refuse_incomplete(migrations, history, request.direction)
    plan_steps = _plan_up if request.direction is Direction.UP else _plan_down
    steps = plan_steps(migrations, statuses, history, request, policy)
    return Plan(tuple(steps), statuses, history.generation)


def find_version(target: str | int | Version, known: Iterable[Version | None]) -> Version:
    """Return the known version that is meant: one of them, or ``latest``.

    Raises:
        UnknownVersionError: It is not a version, or none of the known ones.
    """
    versions = sorted(version for version in known if version is not None)
    if target == "latest" and versions:
        return versions[-1]
    text = str(target)
    if text.isascii() and text.isdigit() and (wanted := Version(text)) in versions:
        return versions[versions.index(wanted)]
    raise UnknownVersionError(text, [version.text for version in versions])


# --- up ---------------------------------------------------------------------------------------


def _plan_up(
    migrations: Sequence[Migration],
    statuses: Sequence[MigrationStatus],
    history: History,
    request: Request,
    policy: Policy,
) -> Iterable[Step]:
    files = {identity_of(m.version, m.name): m for m in migrations}
    _refuse_changed(statuses, files, policy)
    _refuse_missing(statuses)
    _refuse_unknown_target(request, statuses)
    pending = [s for s in statuses if s.is_pending]
    versioned = [s for s in pending if s.version is not None and not policy.skips(s)]
    chosen = _up_to(versioned, request)
    _refuse_out_of_order(chosen, history, policy)
    if len(chosen) == len(versioned):
        chosen = [*chosen, *(s for s in pending if s.version is None)]
    rows = history.active()
    return [_step_up(files[_identity(s)], rows.get(_identity(s))) for s in chosen]


def _up_to(pending: Sequence[MigrationStatus], request: Request) -> list[MigrationStatus]:
    """Cut what is pending at the target, or after so many steps."""
    if request.to is None:
        return list(pending[: request.steps])
    return [s for s in pending if s.version is not None and s.version <= request.to]


def _step_up(migration: Migration, row: HistoryEntry | None) -> Step:
    unfinished = row is not None and row.state is RowState.APPLYING
    return Step(
        direction=Direction.UP,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        script=migration.up,
        down=migration.down,
        replaces=None if unfinished else row,
        resumes=row if unfinished else None,
    )


# --- down -------------------------------------------------------------------------------------


def _plan_down(
    migrations: Sequence[Migration],
    statuses: Sequence[MigrationStatus],
    history: History,
    request: Request,
    policy: Policy,
) -> Iterable[Step]:
    _refuse_unknown_target(request, statuses)
    rows = history.active()
    newest_first = sorted(applied_versions(history), reverse=True)
    chosen = [v for v in newest_first if request.to is None or v > request.to]
    if request.to is None:
        chosen = chosen[: request.steps or 1]
    _refuse_below_baseline(chosen, history.baseline(), request)
    files = {m.version: m for m in migrations if m.version in chosen}
    concerned = [s for s in statuses if s.version in files]
    _refuse_changed(concerned, {m.version: m for m in files.values() if m.version}, policy)
    unfinished = history.active(Direction.DOWN)
    return [
        _step_down(rows[version], unfinished.get(version), files.get(version), request)
        for version in chosen
    ]


def _step_down(
    row: HistoryEntry,
    unfinished: HistoryEntry | None,
    migration: Migration | None,
    request: Request,
) -> Step:
    script = _stored_down(row, request) if migration is None else migration.down
    if script is None:
        message = f"migration {row.key} has nothing to go down with"
        hint = "write a down part into its file, or revert it by hand and `asyncmig repair`"
        path = None if migration is None else migration.path
        raise IrreversibleMigrationError(message, hint=hint, version=row.key, file=path)
    return Step(
        direction=Direction.DOWN,
        version=row.version,
        name=row.name,
        checksum=row.checksum,
        script=script,
        replaces=row,
        resumes=unfinished,
    )


def _stored_down(row: HistoryEntry, request: Request) -> Script | None:
    """Return the SQL that the history keeps, if the caller agreed to run it."""
    if not request.from_history:
        stored = "; its down SQL is in the history: `asyncmig down --from-history` runs it"
        hint = "restore the file" + (stored if row.down_sql is not None else "")
        raise MissingMigrationError([row.key], hint=hint)
    if row.down_sql is None:
        return None
    return SqlScript(row.down_sql, f"history of {row.key}", transaction=row.down_transaction)


# --- refusals ---------------------------------------------------------------------------------


def _refuse_incomplete(
    migrations: Sequence[Migration], history: History, direction: Direction
) -> None:
    """Stop at what was begun and cannot be gone on with.

    Only a migration without a transaction leaves progress behind, from which it is resumed. A row
    without it is the trace of a COMMIT that the migration made by itself.
    """
    files = {identity_of(m.version, m.name) for m in migrations}
    head = newest(m.version for m in migrations)
    unfinished = [row for row in history if row.state is RowState.APPLYING]
    if direction is Direction.UP:
        # Old code boots on a newer database, also while that is still being migrated.
        unfinished = [r for r in unfinished if r.identity in files or not _is_above(r, head)]
    if stuck := [row.key for row in unfinished if row.progress is None]:
        raise IncompleteMigrationError(stuck)
    if turned := [row.key for row in unfinished if row.direction is not direction]:
        other = "down" if direction is Direction.UP else "up"
        hint = f"let `asyncmig {other}` finish it first"
        raise IncompleteMigrationError(turned, detail=f"it was on its way {other}", hint=hint)
    gone = [row.key for row in unfinished if row.identity not in files]
    if direction is Direction.UP and gone:
        hint = "restore the file, and `asyncmig up` finishes it"
        raise IncompleteMigrationError(gone, detail="its file is gone", hint=hint)


def _is_above(row: HistoryEntry, head: Version | None) -> bool:
    return row.version is not None and (head is None or row.version > head)


def _refuse_changed(
    statuses: Sequence[MigrationStatus], files: dict[Identity, Migration], policy: Policy
) -> None:
    changed = [s for s in statuses if Problem.CHANGED in s.problems]
    refused = [s for s in changed if policy.refuses(files[_identity(s)])]
    if refused:
        raise ChangedMigrationError([s.key for s in refused], file=refused[0].path)


def _refuse_missing(statuses: Sequence[MigrationStatus]) -> None:
    if missing := [s.key for s in statuses if Problem.MISSING in s.problems]:
        raise MissingMigrationError(missing)


def _refuse_out_of_order(
    chosen: Sequence[MigrationStatus], history: History, policy: Policy
) -> None:
    late = [s for s in chosen if Problem.OUT_OF_ORDER in s.problems]
    if late and policy.out_of_order is OutOfOrder.ERROR:
        head = current_version(history)
        raise OutOfOrderError([s.key for s in late], newest=str(head), file=late[0].path)


def _refuse_unknown_target(request: Request, statuses: Sequence[MigrationStatus]) -> None:
    known = [s.version for s in statuses if s.version is not None]
    if request.to is None or request.to in known:
        return
    if request.to.number != 0 or request.direction is Direction.UP:
        raise UnknownVersionError(request.to.text, [version.text for version in known])


def _refuse_below_baseline(
    chosen: Sequence[Version], baseline: Version | None, request: Request
) -> None:
    if baseline is None:
        return
    aims_below = not chosen if request.to is None else request.to < baseline
    if aims_below or any(version <= baseline for version in chosen):
        message = f"nothing up to the baseline {baseline} can be reverted"
        raise TargetError(message, hint=f"the furthest way down is --to {baseline}")


def _identity(status: MigrationStatus) -> Identity:
    return identity_of(status.version, status.name)
