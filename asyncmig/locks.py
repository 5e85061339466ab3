"""What a migration locked, rewrote and scanned (PostgreSQL).

Values only. Source: PostgreSQL manual, "Explicit Locking", "Table-Level Locks".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class LockMode(IntEnum):
    """A table-level lock, weakest first; the numbers are PostgreSQL's own."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        """Return the name as the manual has it, such as ``ACCESS EXCLUSIVE``."""
        return self.name.replace("_", " ")

    @property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT of somebody else waits for it."""
        return self is LockMode.ACCESS_EXCLUSIVE

    @property
    def blocks_writes(self) -> bool:
        """Whether an INSERT, UPDATE or DELETE of somebody else waits for it."""
        return self >= LockMode.SHARE


class RelationKind(StrEnum):
    """What kind of relation it is."""

    TABLE = "table"
    PARTITIONED_TABLE = "partitioned table"
    INDEX = "index"
    PARTITIONED_INDEX = "partitioned index"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    SEQUENCE = "sequence"
    FOREIGN_TABLE = "foreign table"
    COMPOSITE_TYPE = "composite type"


class Hazard(StrEnum):
    """What a migration can do to a relation that others are using.

    ``rewrite`` writes all of it anew, ``scan`` reads all of it under a lock that blocks writes;
    ``blocks_writes`` and ``blocks_reads`` hold such a lock, for however short a time.
    """

    REWRITE = "rewrite"
    SCAN = "scan"
    BLOCKS_WRITES = "blocks_writes"
    BLOCKS_READS = "blocks_reads"


@dataclass(frozen=True, slots=True)
class RelationReport:
    """What a migration did to one relation that was there before it.

    Attributes:
        relation: ``schema.name``, as it was called before.
        kind: What it is.
        mode: The strongest lock that the migration was seen to take on it; if none, the strongest
            that was held already.
        rewritten: Whether it was written anew, into another file.
        scanned: Whether it was read from end to end; ``None`` where the server does not count
            (``track_counts = off``).
        rows: How many rows it had, as last estimated by the server; ``None`` when it never was.
        bytes: How large it is without its indexes; of a partitioned table, all partitions
            together. An estimate where it was dropped or is partitioned.
        held_ms: How long the strongest lock was held, from when the statement was sent that took
            it, waiting included, to the report, which comes right before COMMIT.
        line: The line of the file at which that statement stands, 1-based; ``None`` where it is
            not known: in Python.
        inherited: Whether no lock was seen to be taken, because all were held already when the
            migration began: since the setup hook, or, in a trace, since a migration before it. It
            may have taken them once more.
    """

    relation: str
    kind: RelationKind
    mode: LockMode
    rewritten: bool = False
    scanned: bool | None = False
    rows: int | None = None
    bytes: int = 0
    held_ms: int = 0
    line: int | None = None
    inherited: bool = False

    @property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT of somebody else waited for the migration."""
        return self.mode.blocks_reads

    @property
    def blocks_writes(self) -> bool:
        """Whether an INSERT, UPDATE or DELETE of somebody else waited for the migration."""
        return self.mode.blocks_writes

    @property
    def is_index(self) -> bool:
        """Whether it is an index, of a partitioned table for one."""
        return self.kind in {RelationKind.INDEX, RelationKind.PARTITIONED_INDEX}

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """What others may have suffered from, worst first.

        An index is rewritten with its table, or while its table is scanned: that says enough. And
        who holds an inherited lock has answered for it already.
        """
        found = (
            self.rewritten and not self.is_index,
            bool(self.scanned) and self.blocks_writes,
            self.blocks_writes and not self.inherited,
            self.blocks_reads and not self.inherited,
        )
        return tuple(hazard for hazard, is_there in zip(Hazard, found, strict=True) if is_there)

    def as_row(self) -> dict[str, object]:
        """Return it for a document or a log."""
        return {
            "relation": self.relation,
            "kind": self.kind.value,
            "mode": str(self.mode),
            "blocks_reads": self.blocks_reads,
            "blocks_writes": self.blocks_writes,
            "rewritten": self.rewritten,
            "scanned": self.scanned,
            "rows": self.rows,
            "bytes": self.bytes,
            "held_ms": self.held_ms,
            "line": self.line,
            "inherited": self.inherited,
        }


@dataclass(frozen=True, slots=True)
class LockReport:
    """What a migration did to the relations that were there before it.

    Attributes:
        relations: Strongest lock first.
        wal_bytes: How much the server wrote into its write-ahead log meanwhile; others may have
            written, too. ``None`` where it is not told.
        batches: For a migration in batches how many of them it is about: of each relation it says
            what the worst of them did, and of the log what all of them wrote. ``None`` for others.
    """

    relations: tuple[RelationReport, ...]
    wal_bytes: int | None
    batches: int | None = None

    @property
    def held_ms(self) -> int:
        """How long a lock was held that blocks anybody; 0 when none was."""
        return max((r.held_ms for r in self.relations if r.blocks_writes), default=0)

    def as_row(self) -> dict[str, object]:
        """Return it for a document."""
        return {
            "held_ms": self.held_ms,
            "wal_bytes": self.wal_bytes,
            "batches": self.batches,
            "relations": [relation.as_row() for relation in self.relations],
        }


@dataclass(frozen=True, slots=True)
class Violation:
    """What a migration did and must not.

    Attributes:
        hazard: What.
        relation: To what.
    """

    hazard: Hazard
    relation: RelationReport


def hazards_in(words: Iterable[str]) -> frozenset[Hazard] | None:
    """Return the hazards that are named, ``None`` when a word names none, or there is no word."""
    named = [word.strip().replace("-", "_") for word in words]
    known = {hazard.value for hazard in Hazard}
    return frozenset(map(Hazard, named)) if named and known.issuperset(named) else None
