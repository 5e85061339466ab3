"""A heartbeat of 1 ms beside the awaited runner: what it does to everybody else in the loop.

Everything is imported before, as in the other workloads. An application that calls a runner once,
when it starts, meets the imports that were put off too: these are in a figure of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.generated import small_tables
from benchmarks.workloads.apply import require_tables
from benchmarks.workloads.base import Measure, Measured, applies, looks

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

FEW = 20  # migrations
MEASURES = (
    Measure("largest_gap_seconds", "largest gap"),
    Measure("p99_gap_seconds", "99th percentile"),
    Measure("cold_gap_seconds", "largest gap, imports included"),
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
        return bool(peer.call) and applies(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Apply everything on an empty database; the imports are over after a few of them."""
        with ground.site(peer, database, small_tables, size) as site:
            measured = Measured(*ground.call(site, "--heartbeat"))
            require_tables(site.url, size)
        with ground.site(peer, database, small_tables, FEW) as site:
            return _with_cold(measured, ground.cold_call(site, "--heartbeat"))


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
        return bool(peer.call) and looks(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Call it on a database where everything is applied."""
        site = ground.prepared(peer, database, size)
        measured = Measured(*ground.call(site, "--heartbeat"))
        return _with_cold(measured, ground.cold_call(site, "--heartbeat"))


def _with_cold(measured: Measured, cold: dict[str, float]) -> Measured:
    """Return the figures with the largest gap of a call that nothing was imported for."""
    more = {"cold_gap_seconds": cold["largest_gap_seconds"]}
    return Measured(measured.figures | more, measured.outline)
