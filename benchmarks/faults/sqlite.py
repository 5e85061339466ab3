"""Faults on SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

from benchmarks.faults.base import AFTERMATH, ARRIVAL, Fault, incident
from benchmarks.scenario import disturbed

if TYPE_CHECKING:
    from benchmarks.faults.base import Incident
    from benchmarks.ring import Ring, Runner

SIGHT = 0.1  # seconds between two looks
SIGHTS = 4  # looks in a row that find the database locked
WRITER = 8.0  # seconds that an application writes


async def kill(ring: Ring, patience: float) -> Incident:
    """Kill the runner in the middle of a statement."""
    runner = await ring.start()
    await _wait_until_locked(ring, runner)
    runner.send(signal.SIGKILL)
    return incident(await runner.end(patience))


async def ask_to_stop(ring: Ring, patience: float) -> Incident:
    """Send SIGTERM in the middle of a statement."""
    runner = await ring.start()
    await _wait_until_locked(ring, runner)
    runner.send(signal.SIGTERM)
    asked = time.monotonic()
    ended = await runner.end(patience)
    return incident(ended, remark=f"{time.monotonic() - asked:.1f} s")


async def stop_holder(ring: Ring, patience: float) -> Incident:
    """Stop the runner without ending it, start another, and let the first go on afterwards."""
    holder = await ring.start()
    await _wait_until_locked(ring, holder)
    holder.send(signal.SIGSTOP)
    other = await ring.start()
    ended = await other.end(patience)
    holder.send(signal.SIGCONT)
    first = await holder.end(AFTERMATH)
    waited = f"{ended.seconds:.0f} s" if ended.code is not None else f"more than {patience:.0f} s"
    await other.end(AFTERMATH)
    return incident(first, ended, remark=f"{waited}")


async def wait_long(ring: Ring, patience: float) -> Incident:
    """Start another runner while one is in a migration that takes long."""
    holder = await ring.start()
    await _wait_until_locked(ring, holder)
    other = await ring.start()
    return incident(await holder.end(patience), await other.end(patience))


async def wait_for_writer(ring: Ring, patience: float) -> Incident:
    """Start a runner while an application is in a transaction that writes."""
    with contextlib.closing(sqlite3.connect(_path(ring), isolation_level=None)) as application:
        application.execute("BEGIN IMMEDIATE")
        runner = await ring.start()
        await asyncio.sleep(WRITER)
        application.execute("COMMIT")
    return incident(await runner.end(patience))


async def _wait_until_locked(ring: Ring, runner: Runner) -> None:
    """Return when the database stays locked; also when the runner does not get that far."""
    deadline = time.monotonic() + ARRIVAL
    seen = 0
    while seen < SIGHTS and runner.process.returncode is None and time.monotonic() < deadline:
        seen = seen + 1 if _is_locked(_path(ring)) else 0
        await asyncio.sleep(SIGHT)


def _is_locked(path: str) -> bool:
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as probe:
        try:
            probe.execute("BEGIN IMMEDIATE")
            probe.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
        return False


def _path(ring: Ring) -> str:
    return ring.url.removeprefix("sqlite:///")


SQLITE = (
    Fault("killed in a migration", "sqlite", disturbed("sqlite", 8), kill),
    Fault("SIGTERM in a migration", "sqlite", disturbed("sqlite", 8), ask_to_stop),
    Fault("holder stopped (SIGSTOP)", "sqlite", disturbed("sqlite", 2), stop_holder),
    Fault("another one takes several seconds", "sqlite", disturbed("sqlite", 8), wait_long),
    Fault("an application writes for 8 s", "sqlite", disturbed("sqlite", 0), wait_for_writer),
)
