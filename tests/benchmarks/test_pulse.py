"""The heartbeat beside a runner."""

from __future__ import annotations

import asyncio

from benchmarks.pulse import Pulse, beside

PULSE = Pulse([0.0, 1.0, 2.0, 8.0, 9.0, 10.0])


def test_a_gap_is_from_one_beat_to_the_next() -> None:
    """The start and the end count as beats: whoever blocks all the time leaves one large gap."""
    assert [1.0, 1.0, 6.0, 1.0, 1.0] == PULSE.gaps


def test_a_percentile_is_one_of_the_gaps() -> None:
    """The largest one at the most."""
    assert [1.0, 1.0, 6.0] == [PULSE.percentile(share) for share in (0.5, 0.79, 1.0)]


def test_an_outline_keeps_the_longest_gap_of_each_stretch() -> None:
    """So that a plot of few points hides no stall."""
    assert [(1.0, 1.0), (8.0, 6.0), (10.0, 1.0)] == PULSE.outline(2)


async def test_the_heart_beats_beside_the_work() -> None:
    """It stops with the work, which has to leave it a chance."""
    event = asyncio.Event()

    async def work() -> None:
        asyncio.get_running_loop().call_later(0.01, event.set)
        await event.wait()

    pulse = await beside(work())

    assert len(pulse.beats) > 2
    assert sorted(pulse.beats) == pulse.beats
