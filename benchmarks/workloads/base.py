"""What a workload is: how one contestant is measured once, and how the figures are read."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks.comparison import Relation

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

FLOORS = ("floor", "floor-hash")
SHELLS = frozenset({"psql", "sqlite3", "python"})  # they do not migrate
LOOKERS = frozenset({"floor-hash"})  # another contestant, but for how they look at the files
APPLIERS = frozenset({"asyncmig-run"})  # another contestant, but for how they apply


class Unit(enum.StrEnum):
    """What a figure counts, and how a table shows it."""

    TIME = "time"
    MEMORY = "memory"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure in a table.

    Attributes:
        figure: Its name in the JSON.
        title: Its name in the table.
        unit: What it counts.
        against: The contestants that everyone is compared with, a column each.
        relation: How.
    """

    figure: str
    title: str
    unit: Unit = Unit.TIME
    against: tuple[str, ...] = ()
    relation: Relation = Relation.RATIO


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to."""

    figures: dict[str, float]
    outline: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])


class Workload(Protocol):
    """Something to do for every contestant."""

    @property
    def name(self) -> str:
        """What the command line calls it."""
        ...

    @property
    def title(self) -> str:
        """What the tables call it."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many migrations, unless the command line says otherwise."""
        ...

    @property
    def size_means(self) -> str:
        """What the sizes count."""
        ...

    @property
    def databases(self) -> tuple[str, ...]:
        """The databases it is for; one empty name where none takes part."""
        ...

    @property
    def rounds(self) -> int | None:
        """The most rounds that make sense, None for any number: counts do not vary."""
        ...

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The columns of its table."""
        ...

    def suits(self, peer: Peer) -> bool:
        """Tell whether a contestant can take part."""
        ...

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Measure a contestant once.

        Raises:
            FailedError: It did not do what was asked.
        """
        ...


def looks(peer: Peer) -> bool:
    """Tell whether a contestant can show how it finds that there is nothing to do."""
    return peer.name not in SHELLS | APPLIERS


def applies(peer: Peer) -> bool:
    """Tell whether a contestant can show how it applies migrations."""
    return peer.name not in SHELLS | LOOKERS
