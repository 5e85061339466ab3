"""What a fault is, and what it leaves to report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.ring import Exit, Ring
    from benchmarks.scenario import Scenario

AFTERMATH = 20.0  # seconds that a runner has to end once nothing holds it up any more
ARRIVAL = 30.0  # seconds that a runner has to get into the middle
POLL = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened to the disturbed runners.

    Attributes:
        exits: How each of them ended, in the order of their start.
        remark: A figure that belongs to the fault; empty if the exits say it all.
        ended: Whether each of them ended within its bound.
    """

    exits: tuple[Exit, ...]
    remark: str = ""
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong in the middle.

    Attributes:
        name: What the tables call it.
        database: ``postgresql`` or ``sqlite``.
        scenario: The migrations.
        disturb: Starts runners on a prepared database and disturbs them; it gets the ring and
            after how many seconds a runner counts as stuck.
        wants_autocommit: Whether a migration has to run without a transaction.
    """

    name: str
    database: str
    scenario: Scenario
    disturb: Callable[[Ring, float], Awaitable[Incident]]
    wants_autocommit: bool = False


def incident(*exits: Exit, remark: str = "") -> Incident:
    """Return an incident that has ended if every runner has."""
    return Incident(exits, remark, ended=all(one.code is not None for one in exits))
