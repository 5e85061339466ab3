"""From what is seen of a transaction's own locks, time and again, to a lock report. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.locks import LockMode, LockReport, RelationKind, RelationReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MODES = {f"{mode.name.title().replace('_', '')}Lock": mode for mode in LockMode}

_SCANNED = frozenset({RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW})
"""What is read from end to end when it is read that way. An index counts its look-ups as scans."""

KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED_TABLE,
    "i": RelationKind.INDEX,
    "I": RelationKind.PARTITIONED_INDEX,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW,
    "S": RelationKind.SEQUENCE,
    "f": RelationKind.FOREIGN_TABLE,
    "c": RelationKind.COMPOSITE_TYPE,
}
"""What ``pg_class.relkind`` stands for, as far as others may be waiting for it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as it was before a migration.

    Attributes:
        name: ``schema.name``.
        kind: What it is.
        rows: The server's estimate; ``None`` when it never made one.
        bytes: The server's estimate.
        parent: The partitioned table that it is a part of, by oid.
    """

    name: str
    kind: RelationKind
    rows: int | None
    bytes: int
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lock of ours, and what its relation is like while we hold it.

    Attributes:
        oid: The relation.
        mode: One of the modes in which we hold it.
        filenode: The file that it is in; ``None`` for none, and when it is dropped.
        scans: How often it was read from end to end, counted since some time before.
    """

    oid: str
    mode: LockMode
    filenode: str | None
    scans: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What was done since the last look.

    Attributes:
        began: When it was sent, on the monotonic clock.
        line: The line of the file at which it stands; ``None`` where that is not known.
        empties: Whether it gives a table a new and empty file, and looks at that: TRUNCATE does.
    """

    began: float
    line: int | None = None
    empties: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of one relation so far."""

    mode: LockMode
    since: float
    line: int | None
    filenode: str | None
    scans: int
    rewritten: bool = False
    scanned: bool = False
    inherited: bool = False


def mode_named(name: str) -> LockMode:
    """Return the mode that ``pg_locks`` calls ``AccessExclusiveLock`` and so on."""
    return _MODES[name]


class Sightings:
    """What has been seen of one migration.

    Args:
        before: The relations that were there before, by oid.
        marks: Their file and their scans then, by oid, of those that have them.
        held: The locks that were held already.
        began: When the migration began, on the monotonic clock.
    """

    def __init__(
        self,
        before: Mapping[str, Relation],
        marks: Mapping[str, tuple[str | None, int]],
        held: Iterable[Sighting],
        began: float,
    ) -> None:
        self._before = before
        self._marks = marks
        self._seen: dict[str, _Seen] = {}
        self._held: frozenset[tuple[str, LockMode]] = frozenset()
        held = list(held)
        self.add(held, Moment(began))
        self._seen = {oid: replace(seen, inherited=True) for oid, seen in self._seen.items()}
        self._held = frozenset((sighting.oid, sighting.mode) for sighting in held)

    def add(self, sightings: Iterable[Sighting], moment: Moment) -> None:
        """Take note of all locks that are held after something was done."""
        for sighting in sightings:
            if sighting.oid in self._before:
                seen = self._seen.get(sighting.oid) or self._first(sighting, moment)
                if (sighting.oid, sighting.mode) not in self._held:
                    seen = _locked(seen, sighting.mode, moment)
                self._seen[sighting.oid] = _used(seen, sighting, moment)

    def _first(self, sighting: Sighting, moment: Moment) -> _Seen:
        filenode, scans = self._marks.get(sighting.oid, (None, 0))
        return _Seen(sighting.mode, moment.began, moment.line, filenode, scans)

    def report(
        self, sizes: Mapping[str, int], *, now: float, wal_bytes: int | None, counts_scans: bool
    ) -> LockReport:
        """Return what has been seen, strongest lock first.

        Args:
            sizes: How large the relations are now, by oid.
            now: On the monotonic clock.
            wal_bytes: What was written, where that is known.
            counts_scans: Whether the server counts scans.
        """
        relations = [
            RelationReport(
                relation=self._before[oid].name,
                kind=self._before[oid].kind,
                mode=seen.mode,
                rewritten=seen.rewritten,
                scanned=self._is_scanned(oid, seen) if counts_scans else None,
                rows=self._before[oid].rows,
                bytes=max(self._size(oid), sizes.get(oid, 0)),
                held_ms=round((now - seen.since) * 1000),
                line=seen.line,
                inherited=seen.inherited,
            )
            for oid, seen in self._seen.items()
        ]
        return LockReport(tuple(sorted(relations, key=_weight)), wal_bytes)

    def _is_scanned(self, oid: str, seen: _Seen) -> bool:
        return seen.scanned and self._before[oid].kind in _SCANNED

    def _size(self, oid: str) -> int:
        """Return how large a relation was; a partitioned table is as large as its parts."""
        parts = (part for part, relation in self._before.items() if relation.parent == oid)
        return self._before[oid].bytes + sum(map(self._size, parts))


def _locked(seen: _Seen, mode: LockMode, moment: Moment) -> _Seen:
    """Return what is known with a lock that was not held when the migration began."""
    if mode <= seen.mode and not seen.inherited:
        return seen
    return replace(seen, mode=mode, since=moment.began, line=moment.line, inherited=False)


def _used(seen: _Seen, sighting: Sighting, moment: Moment) -> _Seen:
    """Return what is known with what became of the relation."""
    moved = seen.filenode is not None and sighting.filenode not in {None, seen.filenode}
    return replace(
        seen,
        filenode=sighting.filenode if moved else seen.filenode,
        scans=max(seen.scans, sighting.scans),
        rewritten=seen.rewritten or (moved and not moment.empties),
        scanned=seen.scanned or (sighting.scans > seen.scans and not moment.empties),
    )


def _weight(relation: RelationReport) -> tuple[object, ...]:
    return (
        -relation.mode,
        not relation.rewritten,
        not relation.scanned,
        -relation.bytes,
        relation.relation,
    )


def with_batch(sofar: LockReport | None, batch: LockReport, *, is_last: bool = False) -> LockReport:
    """Return what several batches did, with one more of them: to each relation what was worst.

    Args:
        sofar: What those before it did; ``None`` in front of the first.
        batch: What one batch did.
        is_last: Whether it is the one that found nothing to do: it counts for none.
    """
    if sofar is None:
        return replace(batch, batches=int(not is_last))
    worst = {relation.relation: relation for relation in sofar.relations}
    for relation in batch.relations:
        before = worst.get(relation.relation)
        worst[relation.relation] = relation if before is None else _worse(before, relation)
    is_known = sofar.wal_bytes is not None and batch.wal_bytes is not None
    return LockReport(
        tuple(sorted(worst.values(), key=_weight)),
        (sofar.wal_bytes or 0) + (batch.wal_bytes or 0) if is_known else None,
        (sofar.batches or 0) + int(not is_last),
    )


def _worse(before: RelationReport, now: RelationReport) -> RelationReport:
    """Return the strongest lock of two batches on a relation, and of equal ones the longest."""
    strongest = max(before, now, key=lambda r: (not r.inherited, r.mode, r.held_ms))
    is_counted = before.scanned is not None and now.scanned is not None
    return replace(
        strongest,
        rewritten=before.rewritten or now.rewritten,
        scanned=bool(before.scanned or now.scanned) if is_counted else None,
        rows=now.rows if before.rows is None else before.rows,
        bytes=max(before.bytes, now.bytes),
    )
