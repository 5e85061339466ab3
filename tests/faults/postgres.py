"""The fault matrix of PostgreSQL: record the scenario once, then replay it for every fault."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from asyncmig import Migrator
from asyncmig.sql import Dialect
from tests.faults.matrix import Fault, LostOrDoubledError, Outcome, chosen
from tests.faults.postgres_look import snapshot, trail
from tests.faults.postgres_proxy import WITHIN, FaultProxy
from tests.faults.postgres_trial import Ground, Recording, attempt
from tests.faults.scenario import IN_A_ROW, STEPWISE_VERSION, Phase, write_scenario
from tests.faults.victims import victims
from tests.servers.postgres import FILE_COPY, postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from tests.faults.matrix import Trial

FAULTS = (
    Fault.CUT_BEFORE,
    Fault.CUT_AFTER,
    Fault.KILL,
    Fault.TERMINATE,
    Fault.CANCEL,
    Fault.RIVAL,
)
"""Those that may happen at any message."""
_CONCURRENT = re.compile(r"(?:CREATE|DROP|ALTER|REINDEX)\b.*\bCONCURRENTLY\b", re.DOTALL)
_EMPTY = "template0"


def matrix(every: int) -> Outcome:
    """Try every fault at every point, or at each nth and those that decide, on a server of its own.

    Args:
        every: 1 for every point.
    """
    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_matrix(server, Path(folder), every))


async def _matrix(server: str, folder: Path, every: int) -> Outcome:
    async with laboratory(server, folder) as found:
        return await found.try_all(points_of(await found.record(), every))


@dataclass(frozen=True, slots=True)
class Point:
    """A trial to be made: a fault at a message of a recording, counted from 0."""

    recording: Recording
    position: int
    fault: Fault


def points_of(recordings: Sequence[Recording], every: int) -> tuple[Point, ...]:
    """Return what is to be tried: everything, or a choice whose points take the faults in turn.

    Args:
        recordings: The phases.
        every: 1 for everything; else each nth point, and those around which a fault decides.
    """
    points = [(each, position) for each in recordings for position in chosen(each.said, every)]
    slow = [(each, position) for each, position in points if _CONCURRENT.match(each.said[position])]
    tries = product if every == 1 else _in_turn
    return tuple(
        Point(recording, position, fault)
        for (recording, position), fault in (*tries(points, FAULTS), *tries(slow, WITHIN))
    )


def _in_turn(
    points: Sequence[tuple[Recording, int]], faults: Sequence[Fault]
) -> Iterable[tuple[tuple[Recording, int], Fault]]:
    return zip(points, cycle(faults), strict=False)


class Laboratory:
    """A server, with the scenario's folder beside it.

    Args:
        server: Its URL.
        folder: What is beside it: the scenario, ``whole`` and without what has no transaction,
            ``pooled``: as far as a pooler, or a single transaction, lets it through.
        ground: What every trial works with.
    """

    def __init__(self, server: str, folder: Path, ground: Ground) -> None:
        self._server = server
        self._folder = folder
        self._ground = ground
        self._databases: set[str] = set()

    async def record(self) -> tuple[Recording, ...]:
        """Run each phase without a fault, and keep a copy of the database that it begins with."""
        folder = self._folder / "pooled"
        found = await self._recorded(self._folder / "whole", IN_A_ROW)
        found += await self._recorded(folder, (Phase.TOGETHER,), first=_behind(found))
        found += await self._recorded(folder, (Phase.UP,), first=_behind(found), pooled=True)
        return tuple(found)

    async def _recorded(
        self, folder: Path, phases: Iterable[Phase], *, first: int = 1, pooled: bool = False
    ) -> list[Recording]:
        recordings: list[Recording] = []
        template = _EMPTY
        for phase in phases:
            name = f"faults_{os.getpid()}_{folder.name}_{phase.name.lower()}"
            url = await self._copy(template, name)
            before = await trail(url)
            async with FaultProxy(url, pooled=pooled) as proxy:
                await phase.run(Migrator(proxy.url, folder, observer=None))
            said, after = tuple(proxy.said), await snapshot(url)
            recordings.append(
                Recording(phase, folder, pooled, first, said, template, before, after)
            )
            template, first = name, first + len(said)
        return recordings

    async def try_all(self, points: Iterable[Point]) -> Outcome:
        """Try faults at points, one after the other."""
        trials: list[Trial] = []
        failures: list[str] = []
        for point in points:
            recording = point.recording
            url = await self._copy(recording.template, f"faults_{os.getpid()}")
            trial = attempt(self._ground, url, recording, point.position, point.fault)
            try:
                trials.append(await trial)
            except LostOrDoubledError as error:
                failures.append(str(error))
        return Outcome(tuple(trials), tuple(failures))

    async def _copy(self, template: str, name: str) -> str:
        """Make a database as a copy of another one, in place of what has that name already."""
        side = self._ground.side
        self._databases.add(name)
        has_strategy = side.get_server_version().major >= FILE_COPY
        strategy = "STRATEGY file_copy" if has_strategy else ""  # twice as fast
        await side.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await side.execute(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}")
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    async def clear(self) -> None:
        """Drop what it has made."""
        for name in self._databases:
            await self._ground.side.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _behind(recordings: Sequence[Recording]) -> int:
    """Return the number of the message that comes next."""
    return recordings[-1].first + len(recordings[-1].said)


@asynccontextmanager
async def laboratory(server: str, folder: Path) -> AsyncGenerator[Laboratory]:
    """Have a laboratory inside the block.

    Args:
        server: The URL of a server, as a superuser.
        folder: Where to write the migrations.
    """
    await asyncio.to_thread(_write, folder)
    side: Any = await asyncpg.connect(server)
    try:
        async with victims() as found:
            made = Laboratory(server, folder, Ground(found, side))
            try:
                yield made
            finally:
                await made.clear()
    finally:
        await side.close()


def _write(folder: Path) -> None:
    """Write the scenario, and again without what is refused behind a pooler."""
    write_scenario(folder / "whole", Dialect.POSTGRESQL)
    write_scenario(folder / "pooled", Dialect.POSTGRESQL)
    (stepwise,) = (folder / "pooled").glob(f"{STEPWISE_VERSION}_*")
    stepwise.unlink()
