"""What asyncmig wants to be, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison import Relation, Spread, compare
from benchmarks.tables import related
from benchmarks.workloads.base import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Cell

US = "asyncmig"
IN_ONE_GO = "asyncmig-run"  # with durability="run"
EVERYWHERE = ("postgresql", "sqlite")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for the median of the rounds.

    Attributes:
        words: What is bounded.
        workload: Where it is measured.
        figure: What is measured.
        most: The bound: a factor, seconds, MB or a count.
        relation: What is compared with the bound.
        against: What a ratio or a difference is to; the first of these that took part.
        unit: Of the figure.
        contestant: Who is bounded.
        databases: Where.
        sizes: With how many; empty for all that were measured.
    """

    words: str
    workload: str
    figure: str
    most: float
    relation: Relation = Relation.RATIO
    against: tuple[str, ...] = ("floor",)
    unit: Unit = Unit.TIME
    contestant: str = US
    databases: tuple[str, ...] = EVERYWHERE
    sizes: tuple[int, ...] = ()


GOALS = (
    Goal("nothing to do, called from Python", "noop", "seconds", 1.3),
    Goal("round trips of that", "trips", "noop_trips", 2, Relation.VALUE, unit=Unit.COUNT),
    Goal("nothing to do, whole process", "start", "seconds", 1.25),
    Goal("apply 1000", "apply", "seconds", 1.1, sizes=(1000,)),
    Goal(
        *("apply 1000, `durability=run`", "apply", "seconds", 0.7),
        contestant=IN_ONE_GO,
        databases=("postgresql",),
        sizes=(1000,),
    ),
    Goal(
        *("apply 1000, `durability=run`", "apply", "seconds", 0.4),
        contestant=IN_ONE_GO,
        databases=("sqlite",),
        sizes=(1000,),
    ),
    Goal(
        *("round trips of one applied migration", "trips", "trips_each", 3, Relation.VALUE),
        unit=Unit.COUNT,
    ),
    Goal(
        *("32 processes on an empty database: failures", "crowd", "failures", 0, Relation.VALUE),
        unit=Unit.COUNT,
        sizes=(32,),
    ),
    Goal("32 processes on an empty database: time", "crowd", "seconds", 1.2, sizes=(32,)),
    Goal(
        *("largest gap of the loop, apply", "heartbeat-apply", "largest_gap_seconds", 0.010),
        relation=Relation.VALUE,
    ),
    Goal(
        *("largest gap of the loop, nothing to do", "heartbeat-noop", "largest_gap_seconds"),
        *(0.010, Relation.VALUE),
    ),
    Goal(
        *("seed of 50 MB: time", "seed", "seconds", 1.1),
        against=("psql", "sqlite3"),
        sizes=(50,),
    ),
    Goal(
        *("seed of 50 MB: memory above the import", "seed", "above_mb", 64, Relation.VALUE),
        unit=Unit.MEMORY,
        sizes=(50,),
    ),
    Goal(
        *("`asyncmig --help`", "import", "help_seconds", 3),
        against=("python",),
        databases=("",),
    ),
    Goal(
        *("`import asyncmig`", "import", "import_seconds", 0.040, Relation.DIFFERENCE),
        against=("python",),
        databases=("",),
    ),
    Goal(
        *("`from asyncmig import migrate`", "import", "use_seconds", 0.040, Relation.DIFFERENCE),
        against=("python",),
        databases=("",),
    ),
    Goal(
        *("peak memory, 5000 files, nothing to do", "memory", "peak_mb", 10, Relation.DIFFERENCE),
        unit=Unit.MEMORY,
        sizes=(5000,),
    ),
)


def goals(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the lines of a table: each goal beside what was measured, and beside the others."""
    yield "| what | database | N | goal | asyncmig | met | best of the others | worst of them |"
    yield "|---|---|---|---|---|---|---|---|"
    for goal in GOALS:
        for cell in cells:
            if not cell.place.curve and _is_about(goal, cell):
                yield from _line(goal, cell)


def _is_about(goal: Goal, cell: Cell) -> bool:
    return (
        cell.place.workload == goal.workload
        and cell.place.database in goal.databases
        and (not goal.sizes or cell.place.size in goal.sizes)
        and goal.contestant in cell.contestants
    )


def _line(goal: Goal, cell: Cell) -> Iterator[str]:
    found = _spread(goal, cell, goal.contestant)
    met = found is not None and found.median <= goal.most and not cell.failures(goal.contestant)
    place = f"{cell.place.database or '-'} | {cell.place.size}"
    measured = related(found, goal.relation, goal.unit)
    verdict = "yes" if met else "**no**"
    others = _others(goal, cell)
    yield f"| {goal.words} | {place} | {_bound(goal)} | {measured} | {verdict} | {others} |"


def _spread(goal: Goal, cell: Cell, contestant: str) -> Spread | None:
    other = next((name for name in goal.against if name in cell.contestants), "")
    return compare(
        cell.figures(contestant, goal.figure), cell.figures(other, goal.figure), goal.relation
    )


def _bound(goal: Goal) -> str:
    match goal.relation:
        case Relation.RATIO:
            return f"at most {goal.most:g} x {' / '.join(goal.against)}"
        case Relation.DIFFERENCE:
            bound = related(_exactly(goal.most), Relation.VALUE, goal.unit)
            return f"at most {goal.against[0]} + {bound}"
        case Relation.VALUE:
            return f"at most {related(_exactly(goal.most), Relation.VALUE, goal.unit)}"


def _exactly(value: float) -> Spread:
    return Spread(value, value, value, 1)


def _others(goal: Goal, cell: Cell) -> str:
    """Return the best and the worst of the tools: the floors and the shells are none."""
    ours = {US, IN_ONE_GO, "floor", "floor-hash", *goal.against}
    found = [
        (spread.median, name)
        for name in cell.contestants
        if name not in ours and (spread := _spread(goal, cell, name))
    ]
    ends = [min(found), max(found)] if found else []
    written = [
        f"{related(_exactly(median), goal.relation, goal.unit)} {name}" for median, name in ends
    ]
    return " | ".join(written or ["-", "-"])
