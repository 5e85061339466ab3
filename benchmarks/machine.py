"""What the figures were measured on."""

from __future__ import annotations

import asyncio
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from tests.database import ask

WRITES = 50


def machine(server: str) -> dict[str, str]:
    """Return what a reader has to know about this machine."""
    ((postgres,),) = asyncio.run(ask(server, "SHOW server_version"))
    place = Path(tempfile.gettempdir())
    return {
        "cores": str(os.cpu_count()),
        "file system": _file_system(place),
        "kernel": f"{platform.system()} {_series(platform.release())} {platform.machine()}",
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "PostgreSQL": str(postgres).partition(" ")[0],
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "write and flush 8 kB": f"{_flush_ms(place):.2f} ms",
    }


def _flush_ms(place: Path) -> float:
    """Return the milliseconds that a small durable write takes, the median of some."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir=place) as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _series(release: str) -> str:
    """Return the first two numbers of a release; the others name somebody's build."""
    return ".".join(release.split(".")[:2])


def _file_system(place: Path) -> str:
    """Return the kind of the file system that a folder is on, where Linux tells."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    found = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    above = {str(folder) for folder in (place.resolve(), *place.resolve().parents)}
    return max((len(at), kind) for at, kind in found if at in above)[1]
