"""Rounds: every contestant in turn, until all rounds are over or its time is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.results import Cell, FailedError, Place, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer
    from benchmarks.workloads.base import Workload


@dataclass(frozen=True, slots=True)
class Ledger:
    """What every contestant has taken for a place: each run, the preparation included."""

    _spent: dict[tuple[Place, str], list[float]] = field(default_factory=dict[Any, list[float]])

    def charge(self, place: Place, contestant: str, seconds: float) -> None:
        """Write down a run."""
        self._spent.setdefault((place, contestant), []).append(seconds)

    def refusal(self, place: Place, contestant: str, budget: float) -> str:
        """Return why there is no further run; empty if there is one.

        A contestant does not begin with a size if its longest run with a smaller one lets expect
        that a single run takes longer than the budget. It is expected to grow with the size.

        Args:
            place: What would be measured.
            contestant: The name of who would run.
            budget: How many seconds all its runs there may take together.
        """
        spent = self._spent.get((place, contestant))
        if spent is not None:
            return f"its {budget:g} s are over" if sum(spent) >= budget else ""
        expected = max(
            (
                max(runs) * place.size / smaller.size
                for (smaller, name), runs in self._spent.items()
                if name == contestant and _is_smaller(smaller, place)
            ),
            default=0,
        )
        return f"one run would take about {expected:.0f} s" if expected > budget else ""


def _is_smaller(one: Place, other: Place) -> bool:
    same = (one.workload, one.database) == (other.workload, other.database)
    return same and one.size < other.size


@dataclass(frozen=True, slots=True)
class Course:
    """All that is measured in one place.

    Attributes:
        workload: What every contestant does.
        place: Where, and with how many.
        contestants: Those that can take part.
        rounds: How many rounds.
        budget: How many seconds each of them may take.
    """

    workload: Workload
    place: Place
    contestants: tuple[Peer, ...]
    rounds: int
    budget: float


def compete(course: Course, ground: Ground, ledger: Ledger) -> Cell:
    """Let the contestants take turns; who begins is another one in each round."""
    place = course.place
    runs: list[Run] = []
    left_out: dict[str, str] = {}
    for number in range(course.rounds):
        for peer in rotated(course.contestants, number):
            if reason := ledger.refusal(place, peer.name, course.budget):
                left_out.setdefault(peer.name, reason)
                continue
            began = time.monotonic()
            runs.append(_run(course, ground, peer, number))
            ledger.charge(place, peer.name, time.monotonic() - began)
    return Cell(place, tuple(runs), left_out)


def _run(course: Course, ground: Ground, peer: Peer, number: int) -> Run:
    place = course.place
    try:
        measured = course.workload.measure(ground, peer, place.database, place.size)
    except FailedError as failure:
        return Run(peer.name, number, failure=str(failure))
    outline = tuple((at, what) for at, what in measured.outline)
    return Run(peer.name, number, measured.figures, outline=outline)


def rotated(contestants: Sequence[Peer], by: int) -> list[Peer]:
    """Return the contestants beginning with another one."""
    first = by % len(contestants) if contestants else 0
    return [*contestants[first:], *contestants[:first]]
