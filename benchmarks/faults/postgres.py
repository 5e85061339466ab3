"""Faults on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.faults.base import AFTERMATH, ARRIVAL, POLL, Fault, incident
from benchmarks.faults.cutter import Lost, cutter
from benchmarks.scenario import busy_table, concurrent_index, disturbed
from tests.database import ask
from tests.servers.pgbouncer import pgbouncer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from benchmarks.faults.base import Incident
    from benchmarks.ring import Ring, Runner
    from benchmarks.scenario import Scenario

SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
BLOCKED = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND query ~* '(index concurrently|alter table)'"
)
GRACE = 1.0  # seconds after the end of a runner in which the server may notice it
SESSIONS = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
    "AND datname = current_database()"
)
OLDER_THAN_DEADLOCK_TIMEOUT = 2.5  # seconds; the server looks for deadlocks after 1
READER = 8.0  # seconds that somebody reads
CROWD = 4  # runners behind the pooler


async def kill(ring: Ring, patience: float) -> Incident:
    """Kill the runner in the middle of a statement."""
    runner = await ring.start()
    await _wait_for(SLEEPING, ring, runner)
    runner.send(signal.SIGKILL)
    return incident(await runner.end(patience))


async def terminate_backend(ring: Ring, patience: float) -> Incident:
    """End the session on the server, as an administrator or a failover does."""
    runner = await ring.start()
    await _wait_for(SLEEPING, ring, runner)
    await ring.release()
    await ask(ring.url, SLEEPING.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
    return incident(await runner.end(patience))


def cut_commit(lost: Lost) -> Callable[[Ring, float], Awaitable[Incident]]:
    """Return what cuts the connection in the COMMIT of the slow migration."""

    async def cut(ring: Ring, patience: float) -> Incident:
        async with cutter(ring.url) as network:
            runner = await ring.start(network.url)
            await _wait_for(SLEEPING, ring, runner)
            network.arm(lost)
            return incident(await runner.end(patience))

    return cut


async def ask_to_stop(ring: Ring, patience: float) -> Incident:
    """Send SIGTERM in the middle of a statement, and see whether the server stops too."""
    runner = await ring.start()
    await _wait_for(SLEEPING, ring, runner)
    runner.send(signal.SIGTERM)
    asked = time.monotonic()
    ended = await runner.end(patience)
    took = time.monotonic() - asked
    await asyncio.sleep(GRACE)
    statement = "statement goes on" if await ask(ring.url, SLEEPING) else "statement cancelled"
    return incident(ended, remark=f"{took:.1f} s, {statement}")


async def stop_holder(ring: Ring, patience: float) -> Incident:
    """Stop the runner without ending it, start another, and let the first go on afterwards."""
    holder = await ring.start()
    await _wait_for(SLEEPING, ring, holder)
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
    await _wait_for(SLEEPING, ring, holder)
    other = await ring.start()
    return incident(await holder.end(patience), await other.end(patience))


async def build_index(ring: Ring, patience: float) -> Incident:
    """Start another runner while one builds an index that waits for an application."""
    async with _transaction(ring.url, "INSERT INTO busy VALUES (1)"):
        holder = await ring.start()
        await _wait_for(BLOCKED, ring, holder)
        there = len(await ask(ring.url, SESSIONS))
        other = await ring.start()
        await _wait_for(f"{SESSIONS} OFFSET {there}", ring, other)
        await asyncio.sleep(OLDER_THAN_DEADLOCK_TIMEOUT)
    return incident(await holder.end(patience), await other.end(patience))


async def go_through_pooler(ring: Ring, patience: float) -> Incident:
    """Start several runners behind PgBouncer, which pools transactions."""
    with pgbouncer(ring.url, pool=2) as url:
        runners = [await ring.start(url) for _ in range(CROWD)]
        return incident(*[await runner.end(patience) for runner in runners])


async def wait_for_reader(ring: Ring, patience: float) -> Incident:
    """Let a reader hold the table that a migration alters, while an application uses it."""
    watch = asyncio.create_task(_watch_application(ring.url))
    async with _transaction(ring.url, "SELECT count(*) FROM busy"):
        runner = await ring.start()
        await _wait_for(BLOCKED, ring, runner)
        await asyncio.sleep(READER)
    ended = await runner.end(patience)
    watch.cancel()
    longest = await watch
    return incident(ended, remark=f"application waits {longest:.1f} s")


async def _watch_application(url: str) -> float:
    """Query the table until cancelled, and return how long the slowest answer took."""
    longest = 0.0
    connection = await asyncpg.connect(url)
    try:
        while True:
            began = time.monotonic()
            await connection.fetchval("SELECT count(*) FROM busy")
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(POLL)
    except asyncio.CancelledError:
        return longest
    finally:
        connection.terminate()


@contextlib.asynccontextmanager
async def _transaction(url: str, statement: str) -> AsyncGenerator[None]:
    """Be an application that has said something in a transaction and stays in it."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.fetch(statement)
            yield
    finally:
        await connection.close()


async def _wait_for(query: str, ring: Ring, runner: Runner) -> None:
    """Return when the query finds something; also when the runner does not get that far."""
    deadline = time.monotonic() + ARRIVAL
    while not await ask(ring.url, query):
        if runner.process.returncode is not None or time.monotonic() > deadline:
            return
        await asyncio.sleep(POLL)


def _slow(pause: float) -> Scenario:
    return disturbed("postgresql", pause)


POSTGRES = (
    Fault("killed in a migration", "postgresql", _slow(8), kill),
    Fault("session ended by the server", "postgresql", _slow(8), terminate_backend),
    Fault("cut before COMMIT arrives", "postgresql", _slow(2), cut_commit(Lost.REQUEST)),
    Fault("cut after COMMIT arrived", "postgresql", _slow(2), cut_commit(Lost.ANSWER)),
    Fault("SIGTERM in a migration", "postgresql", _slow(8), ask_to_stop),
    Fault("holder stopped (SIGSTOP)", "postgresql", _slow(2), stop_holder),
    Fault("another one takes 12 s", "postgresql", _slow(12), wait_long),
    Fault(
        "another one builds an index",
        "postgresql",
        concurrent_index(),
        build_index,
        wants_autocommit=True,
    ),
    Fault("behind PgBouncer", "postgresql", _slow(1), go_through_pooler),
    Fault("a long reader", "postgresql", busy_table(), wait_for_reader),
)
