"""Nothing to do, for a command: from its start to its end, and the memory that it takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison import Relation
from benchmarks.workloads.base import FLOORS, Measure, Measured, Unit, looks

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process, find that nothing is pending, and exit."""

    name: str = "start"
    title: str = "Nothing to do, as a whole process"
    sizes: tuple[int, ...] = (100, 1000, 5000)
    size_means: str = "files"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("seconds", "wall", against=FLOORS),
        Measure("cpu_seconds", "CPU", against=FLOORS),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it is a migration runner."""
        return looks(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Run its command on a database where everything is applied."""
        return Measured(asdict(ground.command(ground.prepared(peer, database, size))))


MEMORY = Start(
    "memory",
    "Peak memory of a process that finds nothing to do",
    sizes=(5000,),
    measures=(Measure("peak_mb", "peak RSS", Unit.MEMORY, FLOORS, Relation.DIFFERENCE),),
)
