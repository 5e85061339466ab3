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
    from collections.abc import Iterable, Sequence

Key = int | str
"""What tells migrations apart: the number of a version, or the name of a repeatable."""

Checksums = Mapping[Key, str]
"""The checksum of each migration in a folder."""

Trace = tuple[str | None, ...]
"""What is read of a row of the history: its nature, then each of :data:`PARTICULARS`, as text."""

NATURE = ("format", "kind", "direction", "state")
"""Columns that are alike in nearly all rows, and so are read as one text, with tabs between."""

PARTICULARS = ("version", "name", "checksum")
"""The other columns of a trace. What is large, the way down and the progress, is not among them."""

_FORMAT = str(HISTORY_FORMAT)
# As plain strings: the rows of a long history are compared with them one by one.
_APPLYING, _APPLIED = RowState.APPLYING.value, RowState.APPLIED.value
_VERSIONED, _BASELINE = Kind.VERSIONED.value, Kind.BASELINE.value
_UP = Direction.UP.value

USUAL = f"{_FORMAT}\t{_VERSIONED}\t{_UP}\t{_APPLIED}"
"""The nature of a row that says of a version that it is applied."""


@dataclass(frozen=True, slots=True)
class Current:
    """A database in which everything is as the files have it.

    Attributes:
        version: The newest version that is applied or covered by a baseline.
    """

    version: Version | None


def see_current(files: Checksums, found: InForce) -> Current | None:
    """Return what ``up`` without a limit would report, if it has nothing to do and to say.

    Args:
        files: What is in the folder.
        found: What is in the database.

    Returns:
        ``None`` when it takes a closer look to tell: something is pending, changed or missing.
    """
    if found.checksums != files and not _is_explained(found, files):
        return None
    if found.has_reversal and _has_repeatable(files):  # which may have to be put back
        return None
    return Current(found.newest)


@dataclass(frozen=True, slots=True)
class InForce:
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


def in_force(traces: Iterable[Trace]) -> InForce | None:
    """Return what the history says is in the database.

    Args:
        traces: Its rows, in any order. Each is let go at once: there can be thousands.

    Returns:
        ``None`` when it takes a closer look to tell: a row is unfinished, cannot be understood, or
        another release wrote it.
    """
    checksums: dict[Key, str] = {}
    newest = baseline = -1
    text = ""
    has_reversal = False
    for nature, version, name, checksum in traces:
        if nature is None or name is None or checksum is None:
            return None
        kind = _VERSIONED
        if nature != USUAL:
            written_in, kind, direction, state = _taken_apart(nature)
            if written_in != _FORMAT or state == _APPLYING:
                return None
            has_reversal = has_reversal or direction != _UP
            if direction != _UP or state != _APPLIED:
                continue
        if version is None:
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
    return InForce(checksums, Version(text) if text else None, baseline, has_reversal)


def _taken_apart(nature: str) -> Sequence[str]:
    """Return format, kind, direction and state; nothing for a row that was edited by hand."""
    parts = nature.split("\t")
    return parts if len(parts) == len(NATURE) else [""] * len(NATURE)


def _is_explained(found: InForce, files: Checksums) -> bool:
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
