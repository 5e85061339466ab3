"""Change a busy table while somebody reads it: ``python -m benchmarks.outage``, see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.peers import PEERS
from benchmarks.peers.base import Script
from benchmarks.peers.environment import install, versions
from benchmarks.ring import ring
from benchmarks.scenario import Contents, Scenario
from benchmarks.traffic import (
    MAKE,
    TABLE,
    Traffic,
    by_moment,
    longest,
    open_reader,
    slow,
    stalled,
)
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer
    from benchmarks.ring import Ring

SCRIPTS = (
    Script(1, ("CREATE TABLE elsewhere (id integer)",)),
    Script(2, (f"ALTER TABLE {TABLE} ADD COLUMN note text",)),
)
CHANGED = (
    f"SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = '{TABLE}'::regclass "
    "AND attname = 'note'"
)
WARM_UP = 2.0
"""Seconds of traffic before the runner starts, and after it has ended."""
SLICE = 0.1
"""Seconds: what the plot has a point for."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is going on meanwhile.

    Attributes:
        rate: How many requests arrive in a second.
        clients: How many connections answer them.
        reader: For how many seconds the reader's transaction is open.
        patience: After how many seconds a runner counts as stuck.
    """

    rate: int
    clients: int
    reader: float
    patience: float


@dataclass(frozen=True, slots=True)
class Result:
    """What it came to.

    Attributes:
        exit_code: Of the runner; ``None`` if it did not end.
        changed: Whether the table has the new column.
        runner_seconds: How long the runner took.
        seconds: How long the traffic was watched.
        requests: How many there were.
        longest: The longest that one waited, in seconds.
        stalled: For how many seconds at least one slow request was waiting.
        slow: How many requests were slow.
        moments: The longest wait among those that arrived in each slice: moment and wait.
        complaint: The last words of a runner that failed.
    """

    exit_code: int | None
    changed: bool
    runner_seconds: float
    seconds: float
    requests: int
    longest: float
    stalled: float
    slow: int
    moments: tuple[tuple[float, float], ...]
    complaint: str


async def change(course: Ring, setting: Setting) -> Result:
    """Let one tool change the table."""
    try:
        return await _change(course, setting)
    finally:
        await course.clear()


async def _change(course: Ring, setting: Setting) -> Result:
    await _do(course.url, MAKE)
    await course.prepare(Scenario(SCRIPTS, Contents()), setting.patience)
    traffic = Traffic(course.url, rate=setting.rate, clients=setting.clients)
    async with traffic.flowing():
        await asyncio.sleep(WARM_UP)
        async with open_reader(course.url, setting.reader):
            ended = await course.run(setting.patience)
        await asyncio.sleep(WARM_UP)
        watched = traffic.now
    return Result(
        exit_code=ended.code,
        changed=await _ask(course.url, CHANGED),
        runner_seconds=ended.seconds,
        seconds=watched,
        requests=len(traffic.answered),
        longest=longest(traffic.answered),
        stalled=stalled(traffic.answered),
        slow=len(slow(traffic.answered)),
        moments=tuple(by_moment(traffic.answered, SLICE)),
        complaint="" if ended.code == 0 else ended.output,
    )


async def _do(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _ask(url: str, question: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(question))
    finally:
        await connection.close()


COLUMNS = (
    "tool",
    "exit",
    "column there",
    "longest stall",
    "stalled",
    "share",
    "requests over 250 ms",
    "runner took",
)
HEADER = (f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|")


def line(name: str, result: Result) -> str:
    """Return a line of the table."""
    share = result.stalled / result.seconds if result.seconds else 0.0
    return (
        f"| {name} | {'none' if result.exit_code is None else result.exit_code} "
        f"| {'yes' if result.changed else 'no'} | {result.longest:.2f} s | {result.stalled:.1f} s "
        f"| {share:.0%} | {result.slow} of {result.requests} | {result.runner_seconds:.1f} s |"
    )


def main() -> None:
    """Measure, print a table, and write everything as JSON."""
    options = _options()
    setting = Setting(options.rate, options.clients, options.reader, options.patience)
    results: list[dict[str, object]] = []
    print("\n".join(HEADER))
    with postgres(max_connections=str(options.clients + 20)) as server:
        for peer in _peers(options):
            programs = install(peer)
            with ring(peer, programs, "postgresql", server) as course:
                result = asyncio.run(change(course, setting))
            print(line(peer.name, result), flush=True)
            results.append(
                {
                    "tool": peer.name,
                    "versions": versions(programs),
                    "setting": asdict(setting),
                    "result": asdict(result),
                }
            )
    Path(options.output).write_text(json.dumps(results, indent=2) + "\n")


def _peers(options: argparse.Namespace) -> list[Peer]:
    return [peer for peer in PEERS if peer.name in options.peer]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage")
    names = [peer.name for peer in PEERS if "postgresql" in peer.databases]
    parser.add_argument("--peer", nargs="+", default=names, choices=names)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--reader", type=float, default=60.0)
    parser.add_argument("--patience", type=float, default=300.0)
    parser.add_argument("--output", default="outage.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
