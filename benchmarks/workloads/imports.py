"""What it costs to have a tool: its help on the command line, its import in an application."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison import Relation
from benchmarks.workloads.base import Measure, Measured, Unit, looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.ground import Cost, Ground
    from benchmarks.peers.base import Peer

PYTHON = ("python",)


@dataclass(frozen=True, slots=True)
class Imports:
    """``--help``, and ``python -c "import …"``, beside ``python -c pass``.

    A package may put off its own imports, so what an application takes from it is imported too.
    """

    name: str = "import"
    title: str = "Help and import"
    sizes: tuple[int, ...] = (7,)
    size_means: str = "starts"
    databases: tuple[str, ...] = ("",)
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("help_seconds", "`--help`", against=PYTHON),
        Measure("import_seconds", "`import …`", against=PYTHON, relation=Relation.DIFFERENCE),
        Measure("use_seconds", "`from … import`", against=PYTHON, relation=Relation.DIFFERENCE),
        Measure("use_mb", "its memory", Unit.MEMORY, PYTHON, Relation.DIFFERENCE),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether anything can be started or imported."""
        return (looks(peer) and bool(peer.program or peer.module)) or peer.name in PYTHON

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Start each of the three so many times, and take the medians."""
        del database
        figures: dict[str, float] = {}
        if peer.program or peer.name in PYTHON:
            costs = _starts(ground, _help(ground, peer), size)
            figures["help_seconds"] = _median(costs, lambda cost: cost.seconds)
        if peer.module or peer.name in PYTHON:
            costs = _starts(ground, _python(ground, peer, f"import {peer.module}"), size)
            figures["import_seconds"] = _median(costs, lambda cost: cost.seconds)
            use = f"from {peer.module} import {peer.names}"
            costs = _starts(ground, _python(ground, peer, use), size)
            figures["use_seconds"] = _median(costs, lambda cost: cost.seconds)
            figures["use_mb"] = _median(costs, lambda cost: cost.peak_mb)
        return Measured(figures)


def _python(ground: Ground, peer: Peer, statement: str) -> list[str]:
    """Return a command for a statement; for Python itself one that does nothing."""
    python = str(ground.programs[peer.name] / "python")
    return [python, "-c", statement if peer.module else "pass"]


def _help(ground: Ground, peer: Peer) -> list[str]:
    programs = ground.programs[peer.name]
    if peer.program:
        return [str(programs / peer.program), "--help"]
    return peer.command(programs, ground.scratch, "")


def _starts(ground: Ground, command: list[str], times: int) -> list[Cost]:
    return [ground.run(command, ground.scratch) for _ in range(times)]


def _median(costs: list[Cost], what: Callable[[Cost], float]) -> float:
    return statistics.median(what(cost) for cost in costs)
