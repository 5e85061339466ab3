"""Measure asyncmig beside the floor: ``python -m benchmarks``, see README.md."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner import CONTESTANTS
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured.

    Attributes:
        name: ``noop`` or ``apply``.
        database: ``sqlite`` or ``postgresql``.
        size: How many migrations the folder has.
    """

    name: str
    database: str
    size: int


def main() -> None:
    """Measure, print a table, and write everything as JSON."""
    options = _options()
    workloads = [
        Workload(name, database, size)
        for name in options.workload
        for database in ("sqlite", "postgresql")
        for size in options.size
    ]
    with tempfile.TemporaryDirectory() as scratch, postgres(**DURABLE) as server:
        results = [
            {"workload": w.name, "database": w.database, "size": w.size, "runs": runs}
            for w in workloads
            for runs in [_rounds(w, options.rounds, Path(scratch), server)]
        ]
    Path(options.output).write_text(json.dumps(results, indent=2) + "\n")
    print("\n".join(_table(results)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--workload", nargs="+", default=["noop", "apply"])
    parser.add_argument("--size", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", default="benchmarks.json")
    return parser.parse_args()


def _rounds(
    workload: Workload, rounds: int, scratch: Path, server: str
) -> dict[str, list[dict[str, float]]]:
    """Run the contestants in turn, each on a database of its own, every round afresh."""
    folder = _folder(scratch, workload.size)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for number in range(rounds):
        for name in CONTESTANTS:
            for url in _database(workload, scratch, server, f"{name}_{number}"):
                if workload.name == "noop":
                    _run(name, url, folder)
                runs[name].append(_run(name, url, folder))
    return runs


def _folder(scratch: Path, size: int) -> Path:
    folder = scratch / f"migrations_{size}"
    if not folder.exists():
        folder.mkdir()
        for n in range(1, size + 1):
            sql = f"CREATE TABLE bench_{n:05} (id INTEGER PRIMARY KEY, name TEXT);\n"
            sql += f"INSERT INTO bench_{n:05} (id, name) VALUES ({n}, 'name {n}')"
            (folder / f"{n:05}_create_bench.sql").write_text(sql)
    return folder


def _database(workload: Workload, scratch: Path, server: str, name: str) -> Iterator[str]:
    if workload.database == "sqlite":
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            yield f"sqlite:///{place}/bench.db"
    else:
        with fresh_database(server, f"bench_{name}") as url:
            yield url


def _run(contestant: str, url: str, folder: Path) -> dict[str, float]:
    argv = [sys.executable, "-m", "benchmarks.runner", contestant, url, str(folder)]
    answer = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(answer.stdout)
    return result


def _table(results: list[dict[str, object]]) -> Iterator[str]:
    """Yield the lines of a Markdown table: medians, and the ratio of each round."""
    yield "| workload | database | N | floor | asyncmig | ratio (spread) | largest gap | peak |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        runs = result["runs"]
        assert isinstance(runs, dict)
        ours, floor = runs["asyncmig"], runs["floor"]
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(ours, floor, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        yield (
            f"| {result['workload']} | {result['database']} | {result['size']} "
            f"| {_median(floor, 'seconds') * 1000:.0f} ms "
            f"| {_median(ours, 'seconds') * 1000:.0f} ms "
            f"| {spread} | {_median(ours, 'largest_gap_ms'):.0f} ms "
            f"| {_median(ours, 'peak_mb'):.0f} MB |"
        )


def _median(runs: list[dict[str, float]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


if __name__ == "__main__":
    main()
