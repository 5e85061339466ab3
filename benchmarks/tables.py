"""Figures as Markdown tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks.comparison import Relation, Spread, compare
from benchmarks.workloads.base import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Cell
    from benchmarks.workloads.base import Measure, Workload

NOTHING = "-"
TEN_TIMES = 10  # from here on, nobody needs to know more precisely
LONGEST_WORDS = 160  # characters of the last words of a contestant
_PATH = re.compile(r"(?:/[\w.+@~-]+){2,}")


def tables(workloads: Sequence[Workload], cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the lines of a heading and a table for each workload and database."""
    for workload in workloads:
        for database in workload.databases:
            mine = [c for c in cells if c.place.workload == workload.name and not c.place.curve]
            ours = [cell for cell in mine if cell.place.database == database]
            if ours:
                yield f"### {workload.title}{f': {database}' if database else ''}"
                yield ""
                yield from table(workload, ours)
                yield ""


def table(workload: Workload, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the lines of a table of all sizes, and a line for each failure and each omission."""
    everyone = {name for cell in cells for name in cell.contestants}
    measures = [(m, [other for other in m.against if other in everyone]) for m in workload.measures]
    header = [workload.size_means, "tool"]
    for measure, others in measures:
        header += [measure.title, *(_beside(measure, other) for other in others)]
    header.append("rounds")
    yield _row(header)
    yield _row(["---"] * len(header))
    for cell in cells:
        for name in cell.contestants:
            row = [str(cell.place.size), name]
            for measure, others in measures:
                row += _cells(cell, name, measure, others)
            yield _row([*row, _rounds(cell, name)])
    notes = list(_notes(cells))
    if notes:
        yield ""
        yield from notes


def amount(value: float, unit: Unit) -> str:
    """Return a figure with its unit, in as many digits as it deserves."""
    match unit:
        case Unit.TIME:
            return f"{value:.2f} s" if abs(value) >= 1 else f"{value * 1000:.3g} ms"
        case Unit.MEMORY:
            return f"{value:.0f} MB"
        case Unit.COUNT:
            return f"{value:.3g}"


def related(spread: Spread | None, relation: Relation, unit: Unit) -> str:
    """Return a median with the least and the most of the rounds in brackets."""
    if spread is None:
        return NOTHING

    def written(value: float) -> str:
        match relation:
            case Relation.RATIO:
                return f"{value:.2f}" if value < TEN_TIMES else f"{value:.0f}"
            case Relation.DIFFERENCE:
                return f"{'+' if value >= 0 else ''}{amount(value, unit)}"
            case Relation.VALUE:
                return amount(value, unit)

    median, least, most = (written(v) for v in (spread.median, spread.least, spread.most))
    return median if least == most else f"{median} ({least} to {most})"


def without_paths(text: str) -> str:
    """Return the last line of somebody's last words, without the names of folders."""
    lines = text.replace("`", "'").strip().splitlines() or [""]
    return _PATH.sub("…", lines[-1].strip())[:LONGEST_WORDS]


def _beside(measure: Measure, other: str) -> str:
    match measure.relation:
        case Relation.DIFFERENCE:
            return f"above {other}"
        case Relation.RATIO | Relation.VALUE:
            return f"/ {other}"


def _cells(cell: Cell, name: str, measure: Measure, others: Sequence[str]) -> list[str]:
    figures = cell.figures(name, measure.figure)
    found = compare(figures, {}, Relation.VALUE)
    ratios = [
        related(
            compare(figures, cell.figures(other, measure.figure), measure.relation),
            measure.relation,
            measure.unit,
        )
        for other in others
    ]
    return [amount(found.median, measure.unit) if found else NOTHING, *ratios]


def _rounds(cell: Cell, name: str) -> str:
    ran = sum(run.contestant == name for run in cell.runs)
    failed = len(cell.failures(name))
    return f"{ran}, {failed} failed" if failed else str(ran)


def _notes(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        for name in cell.contestants:
            if failures := cell.failures(name):
                ran = sum(run.contestant == name for run in cell.runs)
                often = f"failed in {len(failures)} of {ran}"
                yield f"- {name} at {cell.place.size}: {often}: `{without_paths(failures[0])}`"
            if reason := cell.left_out.get(name):
                yield f"- {name} at {cell.place.size}: not all rounds, {reason}."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
