"""A crowd: many processes start at once on an empty database."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.generated import small_tables
from benchmarks.ground import end
from benchmarks.workloads.apply import count_tables
from benchmarks.workloads.base import FLOORS, Measure, Measured, Unit, applies

if TYPE_CHECKING:
    from benchmarks.ground import Ground, Site
    from benchmarks.peers.base import Peer

PENDING = 50


@dataclass(frozen=True, slots=True)
class Crowd:
    """Start them all, and wait for the last one; a process that fails is a figure, not the end."""

    name: str = "crowd"
    title: str = f"Many processes on an empty database, {PENDING} migrations pending"
    sizes: tuple[int, ...] = (32,)
    size_means: str = "processes"
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    rounds: int | None = None
    measures: tuple[Measure, ...] = (
        Measure("failures", "processes that failed", Unit.COUNT),
        Measure("applied", "migrations that are there", Unit.COUNT),
        Measure("seconds", "until the last one ends", against=FLOORS[:1]),
    )

    def suits(self, peer: Peer) -> bool:
        """Tell whether it is a migration runner."""
        return applies(peer)

    def measure(self, ground: Ground, peer: Peer, database: str, size: int) -> Measured:
        """Let them loose, and count."""
        with ground.site(peer, database, small_tables, PENDING) as site:
            began = time.monotonic()
            codes = _all(ground, site, size)
            seconds = time.monotonic() - began
            applied = count_tables(site.url)
        failures = sum(code != "0" for code in codes)
        return Measured({"seconds": seconds, "failures": failures, "applied": applied})


def _all(ground: Ground, site: Site, processes: int) -> list[str]:
    """Run so many, and return the exit code of each; empty for one that did not end."""
    command = site.peer.command(ground.programs[site.peer.name], site.folder, site.url)
    running: list[subprocess.Popen[str]] = []
    deadline = time.monotonic() + ground.patience
    try:
        for n in range(processes):
            log = ground.scratch / f"crowd_{n}"
            running.append(ground.start(command, site.folder, log))
        return [_code(process, deadline - time.monotonic()) for process in running]
    finally:
        for process in running:
            end(process)


def _code(process: subprocess.Popen[str], within: float) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        answer, _ = process.communicate(timeout=max(within, 0))
        return answer.partition(" ")[0]
    return ""
