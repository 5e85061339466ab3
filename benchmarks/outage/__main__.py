"""Change a busy table while somebody reads it: ``python -m benchmarks.outage``, see README.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from benchmarks.outage.measure import change
from benchmarks.outage.page import publish, verdict
from benchmarks.outage.results import Results, Setting, table
from benchmarks.peers import PEERS
from benchmarks.peers.environment import install, installed
from benchmarks.ring import ring
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.base import Peer

DEFAULT = ("asyncmig", "alembic", "dbmate")
RESERVED = 20
"""Connections for everybody who is no client of the application."""


def main() -> None:
    """Measure, print a table, and write everything as JSON; publish it if asked to."""
    options = options_of(sys.argv[1:])
    output = Path(options.output)
    results = Results(Setting(options.rate, options.clients, options.reader, options.patience))
    if options.resume and output.exists():
        results = Results.load(output)
    missing = [
        peer for peer in PEERS if peer.name in options.peer and peer.name not in results.tools
    ]
    if missing:
        results = _measured(missing, results, output)
    print("\n".join([*table(results), "", verdict(results)]))
    if options.publish:
        publish(Path(options.publish), results, output)


def _measured(missing: Sequence[Peer], results: Results, output: Path) -> Results:
    """Measure what is missing; each is saved at once, as the next one takes minutes."""
    programs = {peer.name: install(peer) for peer in missing}
    with postgres(max_connections=str(results.setting.clients + RESERVED)) as server:
        facts = results.machine or machine(server)
        results = Results(results.setting, facts, results.versions, results.tools)
        for peer in missing:
            print(f"... {peer.name}", flush=True)
            with ring(peer, programs[peer.name], "postgresql", server) as course:
                result = asyncio.run(change(course, results.setting))
            results = results.and_also(peer.name, installed(peer, programs[peer.name]), result)
            results.save(output)
    return results


def options_of(words: Sequence[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage")
    names = [peer.name for peer in PEERS if "postgresql" in peer.databases]
    parser.add_argument("--peer", nargs="+", default=DEFAULT, choices=names)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--reader", type=float, default=60.0)
    parser.add_argument("--patience", type=float, default=300.0)
    parser.add_argument("--output", default="outage.json")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--publish", metavar="PAGE")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
