"""Round trips: how often a runner waits for the server, which is what a distant one costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.generated import small_tables
from benchmarks.workloads.apply import require_tables
from benchmarks.workloads.base import Measure, Measured, Unit, applies
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from benchmarks.ground import Ground, Site
    from benchmarks.peers.base import Peer

FEWER = 10  # migrations of the shorter run, which everything but the migrations is taken from


@dataclass(frozen=True, slots=True)
class Trips:
    """Count what passes a proxy, without what it takes to open each connection."""

    name: str = "trips"
    title: str = "Round trips"
    sizes: tuple[int, ...] = (30,)
    size_means: str = "migrations"
    databases: tuple[str, ...] = ("postgresql",)
    rounds: int | None = 1
    measures: tuple[Measure, ...] = (
        Measure("noop_trips", "nothing to do", Unit.COUNT),
        Measure("noop_connections", "connections for that", Unit.COUNT),
        Measure("trips_each", "for each migration", Unit.COUNT),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it is a migration runner."""
        return applies(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Count in two runs that apply something, and in one that has nothing to do."""
        with ground.site(peer, database, small_tables, FEWER) as site:
            fewer = asyncio.run(_trips(ground, site))
            require_tables(site.url, FEWER)
        with ground.site(peer, database, small_tables, FEWER + size) as site:
            more = asyncio.run(_trips(ground, site))
            require_tables(site.url, FEWER + size)
            noop = asyncio.run(_trips(ground, site))
        return Measured(
            {
                "noop_trips": noop.trips,
                "noop_connections": noop.connections,
                "trips_each": (more.trips - fewer.trips) / size,
                "connections_each": (more.connections - fewer.connections) / size,
            }
        )


@dataclass(frozen=True, slots=True)
class Count:
    """What a proxy has seen of one run: round trips after authentication, and connections."""

    trips: int
    connections: int


async def _trips(ground: Ground, site: Site) -> Count:
    async with Proxy(site.url) as proxy:
        await asyncio.to_thread(ground.command, site, through=proxy.url)
        trips, connections = proxy.round_trips, proxy.connections
        await (await asyncpg.connect(proxy.url)).close()
        opening = proxy.round_trips - trips
        return Count(trips - opening * connections, connections)
