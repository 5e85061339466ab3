"""Decide what a repair or a baseline changes in the history.

Pure. A repair never deletes a row: it appends one that says what a person decided, and takes the
old one out of force.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.errors import (
    HistoryNotEmptyError,
    SettingsError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.history import Edit, HistoryEntry, Identity, NewRow, RowState, identity_of
from asyncmig.migration import Direction, Kind, Migration, Version, key_of
from asyncmig.plan import find_version, storable_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.history import History


class Decision(StrEnum):
    """What a person says about one migration.

    ``accept``: the edited file stands for what was applied. ``forget``: nothing of it is in the
    database. ``mark``: all of it is in the database.
    """

    ACCEPT = "accept"
    FORGET = "forget"
    MARK = "mark"


def decided(*, accept: str | None, forget: str | None, mark: str | None) -> tuple[Decision, str]:
    """Return the one decision that was made, and the migration that it is about.

    Raises:
        SettingsError: None was made, or more than one.
    """
    given = {Decision.ACCEPT: accept, Decision.FORGET: forget, Decision.MARK: mark}
    decisions = [(decision, key) for decision, key in given.items() if key is not None]
    if len(decisions) != 1:
        raise SettingsError("give exactly one of accept, forget and mark")
    return decisions[0]


@dataclass(frozen=True, slots=True)
class Repair:
    """What to change.

    Attributes:
        description: One sentence, for the person who decides.
        edits: The changes, in order; empty when there is nothing to change.
    """

    description: str
    edits: tuple[Edit, ...]


def plan_repair(
    migrations: Sequence[Migration], history: History, decision: Decision, key: str
) -> Repair:
    """Return the changes that a decision about one migration asks for.

    Args:
        migrations: The files.
        history: What the database remembers.
        decision: What is true of the migration.
        key: The migration, as a version or ``R__name``.

    Raises:
        UnknownVersionError: Neither the files nor the history know it.
        TargetError: The decision does not fit where the migration stands.
    """
    files = {identity_of(m.version, m.name): m for m in migrations}
    rows, reversals = history.active(), history.active(Direction.DOWN)
    identity = _identity(key, {**files, **rows})
    file, row, reversal = files.get(identity), rows.get(identity), reversals.get(identity)
    if reversal is not None:
        return _decide_reversal(decision, reversal, row)
    match decision:
        case Decision.ACCEPT:
            return _accept(key, file, row)
        case Decision.FORGET:
            return _forget(key, row)
        case Decision.MARK:
            return _mark(key, file, row)


def plan_baseline(migrations: Sequence[Migration], history: History, target: str) -> Repair:
    """Return the change that declares everything up to a version as already there.

    Args:
        migrations: The files.
        history: What the database remembers.
        target: A version that has a file, or ``latest``.

    Raises:
        UnknownVersionError: No file has that version.
        HistoryNotEmptyError: Migrations have been applied already.
    """
    version = find_version(target, [m.version for m in migrations])
    if history.baseline() == version:
        return Repair(f"the baseline is {version} already", ())
    if applied := [row.key for row in history.active().values()]:
        raise HistoryNotEmptyError(
            f"migration {applied[0]} is applied already, so the history cannot start at {version}",
            hint="a baseline is for a database without history; look at `asyncmig status`",
            versions=applied,
        )
    former = next((r for r in history if r.kind is Kind.BASELINE and r.is_active), None)
    row = NewRow(
        kind=Kind.BASELINE,
        direction=Direction.UP,
        version=version,
        name="baseline",
        checksum="",
        state=RowState.APPLIED,
        origin="baseline",
    )
    edit = Edit(row, retires=None if former is None else former.id)
    return Repair(f"everything up to {version} is declared to be in the database", (edit,))


def _identity(key: str, known: dict[Identity, object]) -> Identity:
    if key.startswith("R__") and key.removeprefix("R__") in known:
        return key.removeprefix("R__")
    if (version := Version.parse(key)) is not None and version in known:
        return version
    versions = sorted(one for one in known if isinstance(one, Version))
    names = sorted(one for one in known if isinstance(one, str))
    repeatables = [key_of(None, name) for name in names]
    raise UnknownVersionError(key, [*(version.text for version in versions), *repeatables])


def _accept(key: str, file: Migration | None, row: HistoryEntry | None) -> Repair:
    if file is not None and row is not None and _is_in_batches(file, row):
        edit = Edit(_going_on(file, row), retires=row.id)
        return Repair(f"{key} goes on behind its last batch, with the file as it is now", (edit,))
    if file is None or row is None or row.state is not RowState.APPLIED:
        message = (
            f"migration {key} is not an applied one with a file, so there is nothing to accept"
        )
        raise TargetError(message, version=key)
    if file.checksum == row.checksum:
        return Repair(f"migration {key} is what was applied already", ())
    edit = Edit(_applied(file), retires=row.id)
    return Repair(f"the file of {key} as it is now stands for what was applied", (edit,))


def _is_in_batches(file: Migration, row: HistoryEntry) -> bool:
    """Tell whether batches of it are done, and the file has others to go on with."""
    progress = row.progress
    is_begun = row.state is RowState.APPLYING and progress is not None and progress.batches
    return file.up.batching is not None and bool(is_begun)


def _going_on(file: Migration, row: HistoryEntry) -> NewRow:
    """Return a row that any text may go on with."""
    progress = None if row.progress is None else replace(row.progress, started=None)
    return replace(_applied(file), state=RowState.APPLYING, origin="run", progress=progress)


def _forget(key: str, row: HistoryEntry | None) -> Repair:
    if row is None:
        return Repair(f"migration {key} is not applied already", ())
    gone = NewRow(
        kind=row.kind,
        direction=Direction.DOWN,
        version=row.version,
        name=row.name,
        checksum=row.checksum,
        state=RowState.REVERTED,
        origin="repair",
    )
    edit = Edit(gone, retires=row.id, retired_as=RowState.REVERTED)
    return Repair(f"migration {key} counts as not applied from now on", (edit,))


def _mark(key: str, file: Migration | None, row: HistoryEntry | None) -> Repair:
    if row is not None and row.state is RowState.APPLIED:
        return Repair(f"migration {key} is applied already", ())
    if file is None:
        message = f"migration {key} has no file, so it cannot be marked as applied"
        raise TargetError(message, version=key)
    edit = Edit(_applied(file), retires=None if row is None else row.id)
    return Repair(f"migration {key} counts as applied from now on, without being run", (edit,))


def _decide_reversal(
    decision: Decision, reversal: HistoryEntry, row: HistoryEntry | None
) -> Repair:
    """Settle a ``down`` that stopped in the middle.

    The decision is about the migration, not about its reversal: ``mark`` says that all of it is
    still in the database, ``forget`` that nothing of it is.
    """
    key = key_of(reversal.version, reversal.name)
    if decision is Decision.ACCEPT:
        message = f"the way down of {key} was begun and not finished; nothing can be accepted"
        hint = "--mark it if all of it is still there, --forget it if nothing of it is"
        raise TargetError(message, hint=hint, version=key)
    remains = decision is Decision.MARK
    state = RowState.FAILED if remains else RowState.REVERTED
    settled = replace(_row_of(reversal), state=state)
    edits = [Edit(settled, retires=reversal.id, retired_as=RowState.SUPERSEDED)]
    if not remains and row is not None:
        # First, so that a kill between the two edits leaves a reversal that can be settled again.
        edits.insert(0, Edit(settled, retires=row.id, retired_as=RowState.REVERTED))
    truth = "is still applied" if remains else "counts as reverted from now on"
    return Repair(f"migration {key} {truth}", tuple(edits))


def _row_of(entry: HistoryEntry) -> NewRow:
    return NewRow(
        kind=entry.kind,
        direction=entry.direction,
        version=entry.version,
        name=entry.name,
        checksum=entry.checksum,
        state=entry.state,
        origin="repair",
    )


def _applied(file: Migration) -> NewRow:
    down = storable_down(file.down)
    return NewRow(
        kind=file.kind,
        direction=Direction.UP,
        version=file.version,
        name=file.name,
        checksum=file.checksum,
        state=RowState.APPLIED,
        origin="repair",
        down_sql=None if down is None else down.text,
        down_transaction=down is None or down.transaction,
    )
