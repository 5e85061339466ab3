"""What stops a run before it begins: files, history and request that do not fit together.

Pure, and each function is one rule. It returns when the rule is kept, and raises when it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import (
    ChangedMigrationError,
    IncompleteMigrationError,
    MissingMigrationError,
    OutOfOrderError,
    SingleTransactionError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.history import (
    History,
    HistoryEntry,
    Identity,
    MigrationStatus,
    Problem,
    RowState,
    identity_of,
    newest,
)
from asyncmig.migration import Direction, Migration, Script, Version
from asyncmig.request import OutOfOrder, Phases, Policy, Request
from asyncmig.status import newest_begun

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_incomplete(
    migrations: Sequence[Migration], history: History, direction: Direction
) -> None:
    """Stop at what was begun and cannot be gone on with.

    Only a migration without a transaction leaves progress behind, from which it is resumed. A row
    without it is the trace of a COMMIT that the migration made by itself.
    """
    unfinished = [row for row in history if row.state is RowState.APPLYING]
    if not unfinished:
        return
    files = {identity_of(m.version, m.name) for m in migrations}
    head = newest(m.version for m in migrations)
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


def refuse_changed(
    statuses: Sequence[MigrationStatus], files: dict[Identity, Migration], policy: Policy
) -> None:
    """Stop at files that were edited after they had been applied, where the policy says so."""
    changed = [s for s in statuses if Problem.CHANGED in s.problems]
    refused = [s for s in changed if policy.refuses(files[identity_of(s.version, s.name)])]
    if refused:
        raise ChangedMigrationError([s.key for s in refused], file=refused[0].path)


def refuse_missing(statuses: Sequence[MigrationStatus]) -> None:
    """Stop when a migration was applied and its file is gone."""
    if missing := [s.key for s in statuses if Problem.MISSING in s.problems]:
        raise MissingMigrationError(missing)


def refuse_out_of_order(
    chosen: Sequence[MigrationStatus], history: History, policy: Policy
) -> None:
    """Stop at pending versions below the newest applied one, where the policy says so."""
    late = [s for s in chosen if Problem.OUT_OF_ORDER in s.problems]
    if late and policy.out_of_order is OutOfOrder.ERROR:
        head = newest_begun(history)
        raise OutOfOrderError([s.key for s in late], newest=str(head), file=late[0].path)


def refuse_before_pre(
    chosen: Sequence[MigrationStatus], statuses: Sequence[MigrationStatus], request: Request
) -> None:
    """Stop at what takes the old away while something new before it is not there yet."""
    last = newest(status.version for status in chosen)
    if request.phases is not Phases.POST or last is None:
        return
    due = (status for status in statuses if status.is_due)
    if before := [s.key for s in due if s.version is not None and s.version < last]:
        message = f"migration {last} waits for the new code, and {before[0]} before it is pending"
        raise TargetError(message, hint="apply that first: `asyncmig up`")


def refuse_unknown_target(request: Request, statuses: Sequence[MigrationStatus]) -> None:
    """Stop when nobody knows the target. Down to version 0 is down to nothing."""
    known = [s.version for s in statuses if s.version is not None]
    if request.to is None or request.to in known:
        return
    if not request.to.is_zero or request.direction is Direction.UP:
        raise UnknownVersionError(request.to.text, [version.text for version in known])


def refuse_below_baseline(
    chosen: Sequence[Version], baseline: Version | None, request: Request
) -> None:
    """Stop when what was there before the first migration would have to be reverted."""
    if baseline is None:
        return
    aims_below = not chosen if request.to is None else request.to < baseline
    if aims_below or any(version <= baseline for version in chosen):
        message = f"nothing up to the baseline {baseline} can be reverted"
        raise TargetError(message, hint=f"the furthest way down is --to {baseline}")


def refuse_apart(migrations: Sequence[Migration], request: Request) -> None:
    """Stop at what cannot share a transaction with others, if all are to be in one."""
    if not request.single_transaction:
        return
    for migration in migrations:
        if why := _apart(migration.up):
            raise SingleTransactionError(migration.key, migration.path, why)


def _apart(script: Script) -> str:
    """Return why a script cannot share a transaction, empty when it can."""
    if not script.transaction:
        return "it runs outside a transaction"
    if script.batching is not None:
        return "it runs in batches, each in a transaction of its own"
    return ""
