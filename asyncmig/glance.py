"""See at a glance that there is nothing to do: checksums of the files, traces of the history.

Every start of a service asks whether anything is pending, and nearly always nothing is. So that
question is answered without a migration, an entry or a status being made. Pure. Whatever is not
plain here is left to :mod:`asyncmig.plan`, which alone decides what is to be done or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.history import HISTORY_FORMAT, RowState
from asyncmig.migration import Direction, Kind, Version

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = int | str
"""What tells migrations apart: the number of a version, or the name of a repeatable."""

Checksums = Mapping[Key, str]
"""The checksum of each migration in a folder."""

Trace = tuple[str | None, ...]
"""A row of the history as text, of which only :data:`TRACE` was read."""

TRACE = ("format", "kind", "direction", "version", "name", "checksum", "state")
"""The columns of a trace. What is large, the way down and the progress, is not among them."""

_FORMAT = str(HISTORY_FORMAT)
# As plain strings: the rows of a long history are compared with them one by one.
_APPLYING, _APPLIED = RowState.APPLYING.value, RowState.APPLIED.value
_UP, _BASELINE = Direction.UP.value, Kind.BASELINE.value


@dataclass(frozen=True, slots=True)
class Current:
    """A database in which everything is as the files have it.

    Attributes:
        version: The newest version that is applied or covered by a baseline.
    """

    version: Version | None


def see_current(files: Checksums, traces: Iterable[Trace]) -> Current | None:
    """Return what ``up`` without a limit would report, if it has nothing to do and to say.

    Args:
        files: What is in the folder.
        traces: The rows of the history, in any order.

    Returns:
        ``None`` when it takes a closer look to tell: something is pending, begun, changed or
        missing, or another release wrote it.
    """
    found = _in_force(traces)
    if found is None:
        return None
    if found.checksums != files and not _is_explained(found, files):
        return None
    if found.has_reversal and _has_repeatable(files):  # which may have to be put back
        return None
    return Current(found.newest)


@dataclass(frozen=True, slots=True)
class _InForce:
    """What the history says is in the database.

    Attributes:
        checksums: Of everything that was applied.
        newest: The newest version, the baseline among them.
        baseline: The number up to which the database was declared to be migrated; -1 for none.
        has_reversal: Whether anything was ever on its way down.
    """

    checksums: Checksums
    newest: Version | None
    baseline: int
    has_reversal: bool


def _in_force(traces: Iterable[Trace]) -> _InForce | None:
    """Return what is in force; ``None`` when a row is unfinished, or cannot be understood."""
    checksums: dict[Key, str] = {}
    newest = baseline = -1
    text = ""
    has_reversal = False
    for written_in, kind, direction, version, name, checksum, state in traces:
        if written_in != _FORMAT or state == _APPLYING or name is None or checksum is None:
            return None
        if direction != _UP:
            has_reversal = True
        elif state != _APPLIED:
            continue
        elif version is None:
            checksums[name] = checksum
        elif not version.isdigit():  # a version of several numbers, from another tool
            return None
        else:
            number = int(version)
            if number > newest:
                newest, text = number, version
            if kind == _BASELINE:
                baseline = max(baseline, number)
            else:
                checksums[number] = checksum
    return _InForce(checksums, Version(text) if text else None, baseline, has_reversal)


def _is_explained(found: _InForce, files: Checksums) -> bool:
    """Tell whether files and history differ only by what a baseline covers or is ahead."""
    if _has_repeatable(files) or _has_repeatable(found.checksums):
        return False
    head = max((number for number in files if isinstance(number, int)), default=-1)
    unapplied = files.keys() - found.checksums.keys()
    unfiled = found.checksums.keys() - files.keys()
    return (
        all(int(number) <= found.baseline for number in unapplied)
        and all(int(number) <= found.baseline or int(number) > head for number in unfiled)
        and all(found.checksums[key] == files[key] for key in files.keys() - unapplied)
    )


def _has_repeatable(checksums: Checksums) -> bool:
    return any(isinstance(key, str) for key in checksums)
