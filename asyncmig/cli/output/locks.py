"""What a migration locked, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.output.table import duration, table
from asyncmig.locks import LockMode
from asyncmig.sizes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.locks import LockReport, RelationReport

_HEADER = ("RELATION", "LOCK", "BLOCKS", "DONE TO IT", "ROWS", "SIZE", "HELD", "LINE")


def locks_table(report: LockReport) -> list[str]:
    """Return what a migration locked, with a row for each relation that this matters to.

    What lets others read and write is only counted, unless it was also read from end to end, and
    so is what was locked already.
    """
    shown = [relation for relation in report.relations if _matters(relation)]
    lines = table(_HEADER, [_row(relation) for relation in shown]) if shown else []
    return [*lines, _summary(report, shown)]


def _matters(relation: RelationReport) -> bool:
    is_strong = relation.mode >= LockMode.SHARE_UPDATE_EXCLUSIVE and not relation.inherited
    return is_strong or relation.rewritten or bool(relation.scanned)


def _row(relation: RelationReport) -> tuple[str, ...]:
    blocks = ((relation.blocks_reads, "reads"), (relation.blocks_writes, "writes"))
    done = ((relation.rewritten, "rewritten"), (relation.scanned, "scanned"))
    return (
        relation.relation,
        str(relation.mode),
        ", ".join(what for is_so, what in blocks if is_so),
        ", ".join(what for is_so, what in done if is_so),
        "" if relation.rows is None else str(relation.rows),
        size(relation.bytes),
        "before it" if relation.inherited else duration(relation.held_ms),
        "" if relation.line is None else str(relation.line),
    )


def _summary(report: LockReport, shown: Sequence[RelationReport]) -> str:
    rest = [relation for relation in report.relations if relation not in shown]
    held = sum(1 for relation in rest if relation.inherited)
    weak = len(rest) - held
    blocks = any(relation.blocks_writes for relation in report.relations)
    facts = (
        (f"locked others out for {duration(report.held_ms)}", blocks),
        ("locked nobody out", not blocks),
        (f"{size(report.wal_bytes or 0)} of WAL", report.wal_bytes),
        (_counted(weak, "weaker lock"), weak),
        (f"{_counted(held, 'lock')} held since before it", held),
    )
    end = "" if report.batches is None else f", in {_counted(report.batches, 'batch', 'batches')}"
    return ", ".join(text for text, is_so in facts if is_so) + end


def _counted(number: int, what: str, several: str = "") -> str:
    return f"1 {what}" if number == 1 else f"{number} {several or what + 's'}"
