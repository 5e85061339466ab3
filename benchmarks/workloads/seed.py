"""A seed file of many MB: is it read at a stretch, and how much memory does that take?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.generated import seed
from benchmarks.workloads.apply import require_tables
from benchmarks.workloads.base import Measure, Measured, Unit, applies

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

SHELL = ("psql", "sqlite3")


@dataclass(frozen=True, slots=True)
class Seed:
    """Apply one large file, called from Python where there is a Python interface."""

    name: str = "seed"
    title: str = "A large seed file"
    sizes: tuple[int, ...] = (50,)
    size_means: str = "MB"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("seconds", "wall", against=SHELL),
        Measure("peak_mb", "peak RSS", Unit.MEMORY),
        Measure("above_mb", "above the import", Unit.MEMORY),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it does anything at all."""
        return applies(peer) or peer.name in SHELL

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Apply it on an empty database."""
        with ground.site(peer, database, seed, size) as site:
            figures = ground.call(site)[0] if peer.call else asdict(ground.command(site))
            require_tables(site.url, 1)
        return Measured(figures)
