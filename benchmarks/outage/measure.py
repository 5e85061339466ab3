"""Let one tool change a busy table, and watch the traffic on it meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.outage.results import Result
from benchmarks.outage.traffic import (
    MAKE,
    TABLE,
    Traffic,
    by_moment,
    longest,
    open_reader,
    slow,
    stalled,
)
from benchmarks.peers.base import Script
from benchmarks.scenario import Contents, Scenario
from tests.database import ask

if TYPE_CHECKING:
    from benchmarks.outage.results import Setting
    from benchmarks.ring import Ring

SCRIPTS = (
    Script(1, ("CREATE TABLE elsewhere (id integer)",)),
    Script(2, (f"ALTER TABLE {TABLE} ADD COLUMN note text",)),
)
CHANGED = (
    f"SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = '{TABLE}'::regclass "
    "AND attname = 'note'"
)
WARM_UP = 5.0
"""Seconds of traffic before the runner starts, and after it has ended."""
SLICE = 0.1
"""Seconds: what the plot has a point for."""


async def change(course: Ring, setting: Setting) -> Result:
    """Let one tool change the table."""
    try:
        return await _change(course, setting)
    finally:
        await course.clear()


async def _change(course: Ring, setting: Setting) -> Result:
    for statement in MAKE:
        await ask(course.url, statement)
    await course.prepare(Scenario(SCRIPTS, Contents()), setting.patience)
    traffic = Traffic(course.url, rate=setting.rate, clients=setting.clients)
    async with traffic.flowing():
        await asyncio.sleep(WARM_UP)
        before = longest(traffic.answered)
        async with open_reader(course.url, setting.reader):
            ended = await course.run(setting.patience)
        await asyncio.sleep(WARM_UP)
        watched = traffic.now
    ((changed,),) = await ask(course.url, CHANGED)
    return Result(
        exit_code=ended.code,
        changed=bool(changed),
        runner_seconds=ended.seconds,
        seconds=watched,
        requests=len(traffic.answered),
        before=before,
        longest=longest(traffic.answered),
        stalled=stalled(traffic.answered),
        slow=len(slow(traffic.answered)),
        moments=tuple(by_moment(traffic.answered, SLICE)),
        complaint="" if ended.code == 0 else ended.output,
    )
