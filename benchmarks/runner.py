"""Run one contestant once, in a process of its own, and print what it cost as JSON.

``python -m benchmarks.runner CONTESTANT URL FOLDER``
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import TYPE_CHECKING

import asyncmig
from benchmarks import floor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SQLITE = "sqlite:///"


async def run_asyncmig(url: str, folder: str) -> None:
    """Migrate with asyncmig."""
    await asyncmig.migrate(url, folder, observer=None)


async def run_floor(url: str, folder: str) -> None:
    """Migrate with the floor."""
    if url.startswith(SQLITE):
        await floor.migrate_sqlite(url.removeprefix(SQLITE), folder)
    else:
        await floor.migrate_postgres(url, folder)


CONTESTANTS: dict[str, Callable[[str, str], Awaitable[None]]] = {
    "asyncmig": run_asyncmig,
    "floor": run_floor,
}


async def largest_gap(work: Awaitable[None]) -> float:
    """Await the work beside a heartbeat of 1 ms, and return the longest silence in seconds."""
    gap = 0.0

    async def beat() -> None:
        nonlocal gap
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gap, last = max(gap, now - last), now

    heart = asyncio.create_task(beat())
    try:
        await work
    finally:
        heart.cancel()
    return gap


async def measure(contestant: str, url: str, folder: str) -> dict[str, float]:
    """Run the contestant once."""
    await asyncmig_is_imported()
    began = time.perf_counter()
    gap = await largest_gap(CONTESTANTS[contestant](url, folder))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "largest_gap_ms": gap * 1000, "peak_mb": peak}


async def asyncmig_is_imported() -> None:
    """Load what is loaded lazily, so that the measure is of the work and not of imports."""
    _ = asyncmig.migrate
    from asyncmig.engines import postgres, sqlite  # noqa: F401 - imported for that


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*sys.argv[1:]))))
