"""Long work in a thread that lets go of the interpreter now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from asyncmig.breathing import breathing
from asyncmig.history import History
from asyncmig.plan import make_plan
from asyncmig.request import Policy
from asyncmig.scripts import Scripts
from asyncmig.sources import load
from asyncmig.sql import Dialect
from tests.values import up, versioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.migration_folder import MigrationFolder

MANY = 5


@dataclass
class Clock:
    """A clock that goes on when it is told to, or by itself whenever it is looked at.

    Attributes:
        step: Seconds that pass with each look.
        now: What it shows.
        breaths: What it showed when somebody slept.
    """

    step: float = 0.0
    now: float = 0.0
    breaths: list[float] = field(default_factory=list[float])

    def monotonic(self) -> float:
        """Show the time."""
        self.now += self.step
        return self.now

    def sleep(self, _seconds: float) -> None:
        """Take the time at which somebody sleeps."""
        self.breaths.append(self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that long work goes by."""
    clock = Clock()
    monkeypatch.setattr("asyncmig.breathing.time", clock)
    return clock


def test_a_breath_is_drawn_after_each_millisecond_of_work(clock: Clock) -> None:
    """Short items share one, so that it costs next to nothing; a long one has its own."""

    def work() -> Iterator[int]:
        for took in (0.0004, 0.0004, 0.0004, 0.0004, 0.005, 0.0004):
            yield 0
            clock.now += took

    seen = list(breathing(work()))

    assert ([0] * 6, [0.0012, 0.0066]) == (seen, [round(at, 4) for at in clock.breaths])


def test_a_folder_is_read_with_breaths(clock: Clock, migration_folder: MigrationFolder) -> None:
    """Between two files at the latest: a thousand of them take a twentieth of a second."""
    for n in range(MANY):
        migration_folder.write(f"{n}_step.sql", "SELECT 1;\n")
    clock.step = 0.001
    migrations = load(migration_folder.path, Dialect.SQLITE)

    assert (MANY, MANY) == (len(migrations), len(clock.breaths))


async def test_scripts_are_looked_through_with_breaths(clock: Clock) -> None:
    """Between two scripts at the latest."""
    migrations = [versioned(n, text="SELECT 1") for n in range(MANY)]
    steps = make_plan(migrations, History(), up(), Policy()).steps
    clock.step = 0.001
    await Scripts(Dialect.SQLITE).look_through(steps)

    assert MANY == len(clock.breaths)
