"""Everything is pending: small migrations, each with a table of its own."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.generated import small_tables
from benchmarks.results import FailedError
from benchmarks.workloads.base import FLOORS, Measure, Measured, applies
from tests.database import tables

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply all of them, called from Python; dbmate, which is no Python, as a process."""

    name: str = "apply"
    title: str = "Apply everything"
    sizes: tuple[int, ...] = (100, 1000)
    size_means: str = "migrations"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("seconds", "wall", against=FLOORS[:1]),
        Measure("cpu_seconds", "CPU of the runner", against=FLOORS[:1]),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it is a migration runner."""
        return applies(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Apply them on an empty database, and look whether they are there."""
        with ground.site(peer, database, small_tables, size) as site:
            figures = ground.call(site)[0] if peer.call else asdict(ground.command(site))
            require_tables(site.url, size)
        return Measured(figures)


def require_tables(url: str, expected: int) -> None:
    """Make sure that a contestant did what is measured.

    Raises:
        FailedError: It made fewer tables than there are migrations.
    """
    found = count_tables(url)
    if found != expected:
        raise FailedError(f"{found} of {expected} migrations are applied")


def count_tables(url: str) -> int:
    """Return how many of the tables that migrations make are there."""
    return sum(name.startswith("bench_") for name in asyncio.run(tables(url)))
