"""A heartbeat of 1 ms beside the awaited runner: what it does to everybody else in the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.generated import small_tables
from benchmarks.workloads.apply import require_tables
from benchmarks.workloads.base import Measure, Measured

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

MEASURES = (
    Measure("largest_gap_seconds", "largest gap"),
    Measure("p99_gap_seconds", "99th percentile"),
    Measure("seconds", "wall"),
)


@dataclass(frozen=True, slots=True)
class HeartbeatApply:
    """Everything is pending."""

    name: str = "heartbeat-apply"
    title: str = "The event loop while everything is applied"
    sizes: tuple[int, ...] = (1000,)
    size_means: str = "migrations"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = MEASURES

    def suits(self, peer: Peer) -> bool:
        """Tell whether it has a Python interface."""
        return bool(peer.call)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Apply everything on an empty database."""
        with ground.site(peer, database, small_tables, size) as site:
            measured = Measured(*ground.call(site, "--heartbeat"))
            require_tables(site.url, size)
        return measured


@dataclass(frozen=True, slots=True)
class HeartbeatNoop:
    """Nothing is pending."""

    name: str = "heartbeat-noop"
    title: str = "The event loop while nothing is to be done"
    sizes: tuple[int, ...] = (5000,)
    size_means: str = "files"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = MEASURES

    def suits(self, peer: Peer) -> bool:
        """Tell whether it has a Python interface."""
        return bool(peer.call)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Call it on a database where everything is applied."""
        return Measured(*ground.call(ground.prepared(peer, database, size), "--heartbeat"))
