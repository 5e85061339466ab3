"""Decide what to run: files x history x request -> plan, or what is wrong.

Everything here is pure. The same decision is made twice in a run, once without the lock (is there
anything to do?) and once under it, and again whenever the history turns out to have moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.errors import (
    IrreversibleMigrationError,
    MissingMigrationError,
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
    RowState,
    identity_of,
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
from asyncmig.refusals import (
    refuse_apart,
    refuse_before_pre,
    refuse_below_baseline,
    refuse_changed,
    refuse_incomplete,
    refuse_missing,
    refuse_out_of_order,
    refuse_unknown_target,
)
from asyncmig.status import active_versions, classify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.request import Policy, Request


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

    @property
    def is_transactional_sql(self) -> bool:
        """Whether all that it does is in one transaction: nothing outside of the database."""
        script = self.script
        is_one = script.transaction and script.batching is None
        return is_one and not isinstance(script, PythonScript)

    @property
    def outcome(self) -> RowState:
        """What its row says once it is done."""
        return RowState.APPLIED if self.direction is Direction.UP else RowState.REVERTED

    def edit(self) -> Edit:
        """Return what this step, once it is done, changes in the history."""
        up = self.direction is Direction.UP
        sql = storable_down(self.down)
        row = NewRow(
            kind=self.kind,
            direction=self.direction,
            version=self.version,
            name=self.name,
            checksum=self.checksum,
            state=self.outcome,
            down_sql=None if sql is None else sql.text,
            down_transaction=sql is None or sql.transaction,
        )
        return Edit(
            row,
            retires=None if self.replaces is None else self.replaces.id,
            retired_as=RowState.SUPERSEDED if up else RowState.REVERTED,
        )


def storable_down(down: Script | None) -> SqlScript | None:
    """Return the down that the history can keep, ``None`` for Python and for one in batches."""
    return down if isinstance(down, SqlScript) and down.batching is None else None


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
    refuse_incomplete(migrations, history, request.direction)
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
    wanted = Version.parse(text)
    if wanted is not None and wanted in versions:
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
    refuse_changed(statuses, files, policy)
    refuse_missing(statuses)
    refuse_unknown_target(request, statuses)
    pending = [s for s in statuses if s.is_pending and request.includes(s)]
    versioned = [s for s in pending if s.version is not None and not policy.skips(s)]
    chosen = _up_to(versioned, request)
    refuse_out_of_order(chosen, history, policy)
    refuse_before_pre(chosen, statuses, request)
    if len(chosen) == len(versioned):
        chosen = [*chosen, *(s for s in pending if s.version is None)]
    refuse_apart([files[_identity(s)] for s in chosen], request)
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
    refuse_unknown_target(request, statuses)
    rows = history.active()
    newest_first = sorted(active_versions(history), reverse=True)
    chosen = [v for v in newest_first if request.to is None or v > request.to]
    if request.to is None:
        chosen = chosen[: request.steps or 1]
    refuse_below_baseline(chosen, history.baseline(), request)
    files = {m.version: m for m in migrations if m.version in chosen}
    concerned = [s for s in statuses if s.version in files]
    refuse_changed(concerned, {m.version: m for m in files.values() if m.version}, policy)
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


def _identity(status: MigrationStatus) -> Identity:
    return identity_of(status.version, status.name)
