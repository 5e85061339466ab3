"""Nothing to do, for an application that calls a Python interface when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.workloads.base import FLOORS, Measure, Measured, looks

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

AGAIN = "5"  # further calls in the same process


@dataclass(frozen=True, slots=True)
class Noop:
    """Connect, find that nothing is pending, and leave; what is imported before is not counted."""

    name: str = "noop"
    title: str = "Nothing to do, called from Python, connecting included"
    sizes: tuple[int, ...] = (100, 1000, 5000)
    size_means: str = "files"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("seconds", "first call", against=FLOORS),
        Measure("again_seconds", "later calls", against=FLOORS),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it has a Python interface."""
        return bool(peer.call) and looks(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Call it on a database where everything is applied."""
        figures, _ = ground.call(ground.prepared(peer, database, size), "--again", AGAIN)
        return Measured(figures)
