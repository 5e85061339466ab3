"""Measure asyncmig beside floors and other tools: ``python -m benchmarks``, see README.md."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.goals import goals
from benchmarks.ground import ground
from benchmarks.machine import machine
from benchmarks.page import publish
from benchmarks.peers import CONTESTANTS
from benchmarks.peers.environment import install, versions
from benchmarks.results import Place, Results
from benchmarks.rounds import Budget, Course, compete
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
CURVE = (10, 30, 100, 300, 1000, 3000, 10000, 20000)
CURVED = ("noop", "apply")
UNINTERESTING = {"pip", "setuptools", "wheel"}


def main() -> None:
    """Measure, print tables, and write everything as JSON; publish it if asked to."""
    options = _options()
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
    """Return what the options ask for; what is published has curves too."""
    tables = [] if options.curve else list(_courses(options, curve=False))
    curves = list(_courses(options, curve=True)) if options.curve or options.publish else []
    return tables + curves


def _courses(options: argparse.Namespace, *, curve: bool) -> Iterator[Course]:
    budget = Budget(options.curve_budget if curve else options.budget)
    peers = [peer for peer in CONTESTANTS if peer.name in options.contestant]
    for workload in WORKLOADS:
        if workload.name not in options.workload or (curve and workload.name not in CURVED):
            continue
        for database in workload.databases:
            if database and database not in options.database:
                continue
            suited = tuple(p for p in peers if workload.suits(p) and _knows(p, database))
            for size in options.size or (CURVE if curve else workload.sizes):
                place = Place(workload.name, database, size, curve)
                rounds = min(options.rounds, workload.rounds or options.rounds)
                yield Course(workload, place, suited, rounds, budget)


def _knows(peer: Peer, database: str) -> bool:
    return not database or database in peer.databases


def _measured(
    missing: Sequence[Course], results: Results, options: argparse.Namespace, output: Path
) -> Results:
    """Measure what is missing; every cell is saved at once, as the next one may take hours."""
    peers = {peer.name: peer for course in missing for peer in course.contestants}
    programs = {name: install(peer) for name, peer in peers.items()}
    installed = {name: _installed(peer, programs[name]) for name, peer in peers.items()}
    with _ground(programs, options.patience) as (stand, facts):
        results = Results(results.machine or facts, results.versions | installed, results.cells)
        for course in missing:
            print(f"... {_announcement(course)}", flush=True)
            cell = compete(course, stand)
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


def _installed(peer: Peer, programs: Path) -> dict[str, str]:
    if not peer.requirements:
        return {}
    return {k: v for k, v in versions(programs).items() if k not in UNINTERESTING}


def _announcement(course: Course) -> str:
    place = course.place
    curve = ", a point of the curve" if place.curve else ""
    return f"{place.workload} {place.database} {place.size} {course.workload.size_means}{curve}"


def _options() -> argparse.Namespace:
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
    parser.add_argument("--budget", type=float, default=600.0)
    parser.add_argument("--curve-budget", type=float, default=120.0)
    parser.add_argument("--patience", type=float, default=300.0)
    parser.add_argument("--output", default="benchmarks.json")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--publish", metavar="PAGE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
