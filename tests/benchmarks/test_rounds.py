"""How the contestants take turns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import CURVE, courses, options_of
from benchmarks.ground import Ground
from benchmarks.peers.floor import Floor
from benchmarks.results import FailedError, Place, Run
from benchmarks.rounds import Course, Ledger, compete, rotated
from benchmarks.workloads.apply import Apply
from benchmarks.workloads.base import Measured

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer

PLACE = Place("apply", "sqlite", 100)
LARGER = Place("apply", "sqlite", 1000)
QUICK, BROKEN = Floor("quick", "listed"), Floor("broken", "listed")


class Imaginary(Apply):
    """A workload that takes no time, and that one contestant fails."""

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Fail, or say how much there was to do."""
        del ground
        if peer is BROKEN:
            raise FailedError(f"cannot do {database}")
        return Measured({"seconds": float(size)})


def compete_for(*spent: float) -> list[Run]:
    """Let the two compete for two rounds after this has been charged to the quick one."""
    ledger = Ledger()
    for seconds in spent:
        ledger.charge(PLACE, "quick", seconds)
    course = Course(Imaginary(), PLACE, (QUICK, BROKEN), 2, 10)
    return list(compete(course, Ground("", Path(), {}, 1), ledger).runs)


def test_somebody_else_begins_in_each_round() -> None:
    """Who comes first may find a colder machine."""
    quick = [Run("quick", n, {"seconds": 100.0}) for n in range(2)]
    broken = [Run("broken", n, failure="cannot do sqlite") for n in range(2)]

    assert [quick[0], broken[0], broken[1], quick[1]] == compete_for()


def test_who_has_used_up_its_time_runs_no_more() -> None:
    """The others go on without it."""
    assert ["broken", "broken"] == [run.contestant for run in compete_for(6, 5)]


def test_nobody_is_rotated_among_nobody() -> None:
    """A workload that no contestant of the command line suits has no turns."""
    assert [] == rotated([], 3)


@pytest.mark.parametrize(
    ("spent", "place", "reason"),
    [
        ([1.0, 1.0], LARGER, ""),
        ([1.0, 1.2], LARGER, "one run would take about 12 s"),
        ([6.0, 3.0], PLACE, ""),
        ([6.0, 4.0], PLACE, "its 10 s are over"),
        ([9.0], Place("apply", "postgresql", 1000), ""),
        ([9.0], Place("apply", "sqlite", 50), ""),
    ],
)
def test_a_budget_is_for_one_place_and_expects_no_more_of_a_larger_one(
    spent: list[float], place: Place, reason: str
) -> None:
    """Of ten seconds: all runs of a place together, and a single one of the next size."""
    ledger = Ledger()
    for seconds in spent:
        ledger.charge(PLACE, "quick", seconds)

    assert reason == ledger.refusal(place, "quick", 10)


@pytest.mark.parametrize(
    ("words", "curve", "table"),
    [
        ([], [], [100, 1000]),
        (["--size", "7"], [], [7]),
        (["--curve"], [*CURVE], []),
        (["--publish", "page.md"], [10, 5000, 20000], [100, 1000]),
    ],
)
def test_what_is_published_has_curves_too(
    words: list[str], curve: list[int], table: list[int]
) -> None:
    """Their points that the tables do not have; by itself a curve has all of them."""
    options = options_of(["--workload", "apply", "--database", "sqlite", *words])
    found = [course.place for course in courses(options)]

    assert (curve, table) == (
        [place.size for place in found if place.curve],
        [place.size for place in found if not place.curve],
    )


def test_counts_need_one_round() -> None:
    """They do not vary."""
    words = ["--workload", "trips", "--contestant", "floor", "pogo-migrate", "psql"]
    (course,) = courses(options_of(words))

    assert (1, ["floor", "pogo-migrate"]) == (
        course.rounds,
        [peer.name for peer in course.contestants],
    )
