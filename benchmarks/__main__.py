"""Measure asyncmig beside floors and other tools: ``python -m benchmarks``, see README.md."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.goals import goals
from benchmarks.ground import ground
from benchmarks.machine import machine
from benchmarks.page import publish
from benchmarks.peers import CONTESTANTS
from benchmarks.peers.environment import install, installed
from benchmarks.results import Place, Results
from benchmarks.rounds import Course, Ledger, compete
from benchmarks.tables import tables
from benchmarks.workloads import WORKLOADS
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from benchmarks.ground import Ground
    from benchmarks.peers.base import Peer

# What a production server has; the tests' own server flushes nothing.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
}
CURVE = (10, 100, 1000, 5000, 20000)
CURVED = ("noop", "apply")


def main() -> None:
    """Measure, print tables, and write everything as JSON; publish it if asked to."""
    options = options_of(sys.argv[1:])
    output = Path(options.output)
    results = Results()
    if options.resume and output.exists():
        results = Results.load(output)
    missing = [course for course in courses(options) if results.at(course.place) is None]
    if missing:
        results = _measured(missing, results, options, output)
    print("\n".join([*tables(WORKLOADS, results.cells), *goals(results.cells)]))
    if options.publish:
        publish(Path(options.publish), results, output)


def courses(options: argparse.Namespace) -> list[Course]:
    """Return what the options ask for; what is published has the rest of the curves too."""
    curved = [name for name in options.workload if name in CURVED]
    curves = [course for name in curved for course in _courses(options, name, CURVE)]
    if options.curve:
        return curves
    tables = [course for name in options.workload for course in _courses(options, name)]
    if not options.publish:
        return tables
    there = {(course.workload.name, course.place.size) for course in tables}
    return tables + [c for c in curves if (c.workload.name, c.place.size) not in there]


def _courses(
    options: argparse.Namespace, name: str, curve: tuple[int, ...] = ()
) -> Iterator[Course]:
    """Yield what one workload asks for: the sizes of its table, or those of a curve."""
    workload = next(workload for workload in WORKLOADS if workload.name == name)
    most = min(options.curve_rounds if curve else options.rounds, workload.rounds or sys.maxsize)
    for database in workload.databases:
        if database and database not in options.database:
            continue
        contestants = tuple(
            peer
            for peer in CONTESTANTS
            if peer.name in options.contestant and workload.suits(peer) and _knows(peer, database)
        )
        for size in options.size or curve or workload.sizes:
            place = Place(name, database, size, curve=bool(curve))
            yield Course(workload, place, contestants, most, options.budget)


def _knows(peer: Peer, database: str) -> bool:
    return not database or database in peer.databases


def _measured(
    missing: Sequence[Course], results: Results, options: argparse.Namespace, output: Path
) -> Results:
    """Measure what is missing; every cell is saved at once, as the next one may take hours."""
    peers = {peer.name: peer for course in missing for peer in course.contestants}
    programs = {name: install(peer) for name, peer in peers.items()}
    found = {name: installed(peer, programs[name]) for name, peer in peers.items()}
    with _ground(programs, options.patience) as (stand, facts):
        results = Results(results.machine or facts, results.versions | found, results.cells)
        ledger = Ledger()
        for course in missing:
            print(f"... {_announcement(course)}", flush=True)
            cell = compete(course, stand, ledger)
            results = dataclasses.replace(results, cells=(*results.cells, cell))
            results.save(output)
            if course.place.curve:
                stand.forget()
    return results


@contextlib.contextmanager
def _ground(programs: dict[str, Path], patience: float) -> Generator[tuple[Ground, dict[str, str]]]:
    """Yield a ground on a disk: the tests' server would put its files into memory."""
    os.environ.setdefault("TMPDIR", tempfile.gettempdir())
    with postgres(**DURABLE) as server, ground(server, programs, patience) as made:
        yield made, machine(server)


def _announcement(course: Course) -> str:
    place = course.place
    curve = ", a point of the curve" if place.curve else ""
    return f"{place.workload} {place.database} {place.size} {course.workload.size_means}{curve}"


def options_of(words: Sequence[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    workloads = [workload.name for workload in WORKLOADS]
    names = [peer.name for peer in CONTESTANTS]
    databases = ["postgresql", "sqlite"]
    parser.add_argument("--workload", nargs="+", default=workloads, choices=workloads)
    parser.add_argument("--database", nargs="+", default=databases, choices=databases)
    parser.add_argument("--contestant", nargs="+", default=names, choices=names)
    parser.add_argument("--size", nargs="+", type=int, default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--curve-rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=180.0)
    parser.add_argument("--patience", type=float, default=300.0)
    parser.add_argument("--output", default="benchmarks.json")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--publish", metavar="PAGE")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
