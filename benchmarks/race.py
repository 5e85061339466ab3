"""Start many runners at once: ``python -m benchmarks.race``, see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import PEERS
from benchmarks.peers.environment import install, versions
from benchmarks.ring import ring
from benchmarks.scenario import SEED, Verdict, first_deploy, judge, next_deploy
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.peers.base import Peer
    from benchmarks.ring import Ring

SCENARIOS = {"first": first_deploy, "next": next_deploy}


@dataclass(frozen=True, slots=True)
class Heat:
    """What a round is made of.

    Attributes:
        scenario: ``first`` or ``next``.
        processes: How many runners start at once.
        size: How many migrations there are.
        pause: How many seconds the seed takes.
        patience: After how many seconds a runner counts as stuck.
    """

    scenario: str
    processes: int
    size: int
    pause: float
    patience: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a round came to.

    Attributes:
        exits: The exit code of each runner, None if it did not end.
        seeds: How often the seed was applied.
        repeated: The migrations that were applied more than once, the seed or others.
        halves: The migrations that were half there when the runners had ended.
        clean_exit: What one more runner exited with, alone.
        verdict: What became of the migrations then.
        seconds: From the start of the first runner to the end of the last one.
        complaints: The last words of the runners that failed.
    """

    exits: tuple[int | None, ...]
    seeds: int
    repeated: tuple[int, ...]
    halves: tuple[int, ...]
    clean_exit: int | None
    verdict: Verdict
    seconds: float
    complaints: tuple[str, ...]


async def race(course: Ring, heat: Heat) -> Result:
    """Let the runners of one tool start together on one database."""
    try:
        return await _race(course, heat)
    finally:
        await course.clear()


async def _race(course: Ring, heat: Heat) -> Result:
    scenario = SCENARIOS[heat.scenario](course.database, heat.size, heat.pause)
    if heat.scenario == "next":
        await course.prepare(scenario, heat.patience)
    else:
        course.write(scenario)
    began = time.monotonic()
    runners = [await course.start() for _ in range(heat.processes)]
    ended = await asyncio.gather(*(runner.end(heat.patience) for runner in runners))
    seconds = time.monotonic() - began
    await course.clear()
    between = await course.contents()
    await course.release()
    clean = await course.run(heat.patience)
    found = await course.contents()
    codes = tuple(one.code for one in ended)
    return Result(
        exits=codes,
        seeds=found.begun.count(SEED),
        repeated=found.repeated,
        halves=between.halves,
        clean_exit=clean.code,
        verdict=judge(scenario.expected, found, ended=None not in codes, clean_exit=clean.code),
        seconds=seconds,
        complaints=tuple(one.output for one in ended if one.code != 0),
    )


def main() -> None:
    """Race, print a table, and write everything as JSON."""
    options = _options()
    peers = [peer for peer in PEERS if peer.name in options.peer]
    programs = {peer.name: install(peer) for peer in peers}
    results: list[dict[str, object]] = []
    with postgres() as server:
        for heat, database, peer in _heats(options, peers):
            rounds: list[Result] = []
            for _ in range(options.rounds):
                with ring(peer, programs[peer.name], database, server) as course:
                    rounds.append(asyncio.run(race(course, heat)))
            if not results:
                print("\n".join(HEADER))
            print(line(heat, database, peer.name, rounds), flush=True)
            results.append(
                {
                    "tool": peer.name,
                    "versions": versions(programs[peer.name]),
                    "database": database,
                    "heat": asdict(heat),
                    "rounds": [asdict(result) for result in rounds],
                }
            )
    Path(options.output).write_text(json.dumps(results, indent=2) + "\n")


HEADER = (
    "| deploy | database | tool | exit 0 | seed applied | half-done | verdict | seconds |",
    "|---|---|---|---|---|---|---|---|",
)


def line(heat: Heat, database: str, name: str, rounds: list[Result]) -> str:
    """Return the line of a Markdown table for all rounds of one tool."""
    codes = [code for result in rounds for code in result.exits]
    seeds = sorted({result.seeds for result in rounds})
    halves = sum(len(result.halves) for result in rounds)
    seconds = statistics.median(result.seconds for result in rounds)
    return (
        f"| {heat.scenario} | {database} | {name} | {codes.count(0)} of {len(codes)} "
        f"| {' or '.join(times(seed) for seed in seeds)} | {halves} "
        f"| {verdicts([result.verdict for result in rounds])} | {seconds:.1f} |"
    )


def times(count: int) -> str:
    """Return how often, in words where there is one."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def verdicts(rounds: list[Verdict]) -> str:
    """Return the verdicts of the rounds, the worst first, with how often if they differ."""
    found = [(verdict, rounds.count(verdict)) for verdict in Verdict if verdict in rounds]
    if len(found) == 1:
        return f"`{found[0][0]}`"
    return ", ".join(f"`{verdict}` {count} of {len(rounds)}" for verdict, count in found)


def _heats(options: argparse.Namespace, peers: list[Peer]) -> Iterator[tuple[Heat, str, Peer]]:
    for scenario in options.scenario:
        heat = Heat(scenario, options.processes, options.size, options.pause, options.patience)
        for database in options.database:
            for peer in peers:
                if database in peer.databases:
                    yield heat, database, peer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.race")
    names = [peer.name for peer in PEERS]
    databases = ["postgresql", "sqlite"]
    parser.add_argument("--peer", nargs="+", default=names, choices=names)
    parser.add_argument("--database", nargs="+", default=databases, choices=databases)
    parser.add_argument("--scenario", nargs="+", default=["first", "next"], choices=SCENARIOS)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=float, default=1.0)
    parser.add_argument("--patience", type=float, default=60.0)
    parser.add_argument("--output", default="race.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
