"""The race and two of the faults, with asyncmig alone and few runners."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from benchmarks.chaos import endure
from benchmarks.faults import FAULTS
from benchmarks.faults.base import Fault
from benchmarks.peers.asyncmig import Asyncmig
from benchmarks.race import Heat, race
from benchmarks.ring import ring
from benchmarks.scenario import Verdict, disturbed

PROGRAMS = Path(sys.executable).parent
PATIENCE = 40.0  # seconds
LONG = 30.0  # seconds: it is killed in the middle on a slow machine too
KILLED = "killed in a migration"


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_three_runners_race(database: str, postgres_server: str) -> None:
    """All of them exit with 0, the seed is there once, and nothing is half-done."""
    heat = Heat("first", processes=3, size=4, pause=0.1, patience=PATIENCE)

    with ring(Asyncmig(), PROGRAMS, database, postgres_server) as course:
        result = asyncio.run(race(course, heat))

    assert ((0, 0, 0), 1, (), (), 0, Verdict.ONCE, ()) == (
        result.exits,
        result.seeds,
        result.repeated,
        result.halves,
        result.clean_exit,
        result.verdict,
        result.complaints,
    )


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_a_killed_runner_leaves_nothing_behind(database: str, postgres_server: str) -> None:
    """The fault happens in the middle, and the run after it puts everything right."""
    fault = next(one for one in FAULTS if (one.database, one.name) == (database, KILLED))
    bounded = Fault(fault.name, database, disturbed(database, LONG), fault.disturb)

    with ring(Asyncmig(), PROGRAMS, database, postgres_server) as ground:
        result = asyncio.run(endure(ground, bounded, PATIENCE))

    assert (Verdict.ONCE, [-9], 0) == (
        result.verdict,
        [one.code for one in result.incident.exits],
        result.clean.code,
    )
