"""What was measured, as values, and as the JSON that keeps all of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class FailedError(Exception):
    """A contestant did not do what it was asked to do; the message is its last words."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant in one round.

    Attributes:
        contestant: Its name.
        round: The number of the round, from 0.
        figures: What was measured; empty when it failed.
        failure: Why it failed; empty when it did not.
        outline: The points of a plot: seconds since the start, and what there was then.
    """

    contestant: str
    round: int
    figures: dict[str, float] = field(default_factory=dict[str, float])
    failure: str = ""
    outline: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What was measured where.

    Attributes:
        workload: The name of the workload.
        database: ``postgresql``, ``sqlite``, or empty where none takes part.
        size: How many migrations (processes, megabytes) there are.
        curve: Whether it is a point of a curve, not a line of a table.
    """

    workload: str
    database: str
    size: int
    curve: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """All rounds of one workload on one database with one size.

    Attributes:
        place: Which one.
        runs: What every contestant came to in every round.
        left_out: The contestants that ran fewer rounds or none, and why.
    """

    place: Place
    runs: tuple[Run, ...]
    left_out: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def contestants(self) -> list[str]:
        """Their names, in the order of the first round, then those that were left out."""
        return list(dict.fromkeys([*(run.contestant for run in self.runs), *self.left_out]))

    def figures(self, contestant: str, name: str) -> dict[int, float]:
        """Return a figure of a contestant by round; a round without it is missing."""
        return {
            run.round: run.figures[name]
            for run in self.runs
            if run.contestant == contestant and name in run.figures
        }

    def failures(self, contestant: str) -> list[str]:
        """Return the last words of a contestant, one for each round in which it failed."""
        return [run.failure for run in self.runs if run.contestant == contestant and run.failure]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one file keeps.

    Attributes:
        machine: What the figures were measured on.
        versions: What was installed in the environment of each contestant.
        cells: What was measured.
    """

    machine: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    cells: tuple[Cell, ...] = ()

    def at(self, place: Place) -> Cell | None:
        """Return what was measured there, or None."""
        return next((cell for cell in self.cells if cell.place == place), None)

    def save(self, path: Path) -> None:
        """Write everything, in the place of what was there."""
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n")
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ValueError: It is in another format.
        """
        found: dict[str, Any] = json.loads(path.read_text())
        if found.get("format") != FORMAT:
            raise ValueError(f"{path} was written by another version of this benchmark")
        cells = tuple(_cell(cell) for cell in found["cells"])
        return cls(found["machine"], found["versions"], cells)


def _cell(found: dict[str, Any]) -> Cell:
    return Cell(
        Place(**found["place"]),
        tuple(_run(run) for run in found["runs"]),
        found["left_out"],
    )


def _run(found: dict[str, Any]) -> Run:
    outline = tuple((at, what) for at, what in found["outline"])
    return Run(found["contestant"], found["round"], found["figures"], found["failure"], outline)
