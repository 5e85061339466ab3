"""A heartbeat of 1 ms in the event loop: how long anything else in it would have had to wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

INTERVAL = 0.001  # seconds
POINTS = 60  # how many points of a run are kept for a plot


@dataclass(frozen=True, slots=True)
class Pulse:
    """When the heart beat: seconds since the start, the start and the end included."""

    beats: list[float] = field(default_factory=list[float])

    @property
    def gaps(self) -> list[float]:
        """The seconds from each beat to the next, in their order."""
        return [later - earlier for earlier, later in zip(self.beats, self.beats[1:], strict=False)]

    def percentile(self, share: float) -> float:
        """Return the gap that this share of the gaps is not longer than."""
        ordered = sorted(self.gaps)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def outline(self, points: int = POINTS) -> list[tuple[float, float]]:
        """Return when the longest gap of each of so many equal stretches of time ended, and it."""
        width = self.beats[-1] / points or 1
        longest: dict[int, tuple[float, float]] = {}
        for at, gap in zip(self.beats[1:], self.gaps, strict=True):
            stretch = int(at / width)
            longest[stretch] = max(longest.get(stretch, (at, gap)), (at, gap), key=_gap)
        return [longest[stretch] for stretch in sorted(longest)]


def _gap(point: tuple[float, float]) -> float:
    return point[1]


async def beside(work: Awaitable[None]) -> Pulse:
    """Await the work beside a heartbeat."""
    began = time.perf_counter()
    pulse = Pulse([0.0])

    async def beat() -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            pulse.beats.append(time.perf_counter() - began)

    heart = asyncio.create_task(beat())
    try:
        await work
    finally:
        heart.cancel()
        pulse.beats.append(time.perf_counter() - began)
    return pulse
