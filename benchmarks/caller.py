"""Call one tool from an event loop, in a process of its own, and write what it cost as JSON.

``python -m benchmarks.caller ANSWER CALL URL FOLDER [--again N] [--heartbeat] [--set NAME=VALUE]``

It runs in the environment of the tool, so it imports nothing that is not in Python itself.

Importing is measured elsewhere. Tools differ in what they put off until it is needed, so with
``--modules`` everything is imported first that an earlier call with ``--learn`` has imported.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import statistics
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.pulse import beside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

ENOUGH = 2.0  # seconds of further calls


def main() -> None:
    """Import the tool, call it, and write down the figures."""
    options = _options()
    call = import_module(f"benchmarks.calls.{options.call}")
    if options.modules:
        load(Path(options.modules).read_text().split())
    imported = peak_mb()
    settings = dict(setting.split("=", 1) for setting in options.set)

    def work() -> Awaitable[None]:
        answer: Awaitable[None] = call.migrate(options.url, options.folder, **settings)
        return answer

    if options.heartbeat:
        answer = asyncio.run(gaps(work))
    else:
        answer = asyncio.run(times(work, options.again))
    if options.learn:
        with Path(options.learn).open("a") as file:
            file.writelines(f"{name}\n" for name in importable())
    answer |= {"imported_mb": imported, "peak_mb": peak_mb(), "above_mb": peak_mb() - imported}
    Path(options.answer).write_text(json.dumps(answer))


async def times(work: Callable[[], Awaitable[None]], again: int) -> dict[str, Any]:
    """Time the first call, and further ones until there are so many or they took long enough."""
    cpu = time.process_time()
    began = time.perf_counter()
    await work()
    first = time.perf_counter() - began
    answer = {"seconds": first, "cpu_seconds": time.process_time() - cpu}
    later: list[float] = []
    while len(later) < again and sum(later) < ENOUGH:
        began = time.perf_counter()
        await work()
        later.append(time.perf_counter() - began)
    return answer | ({"again_seconds": statistics.median(later)} if later else {})


async def gaps(work: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """Look for the silences of a heartbeat beside the first call."""
    pulse = await beside(work())
    return {
        "seconds": pulse.beats[-1],
        "largest_gap_seconds": max(pulse.gaps),
        "p99_gap_seconds": pulse.percentile(0.99),
        "outline": pulse.outline(),
    }


def importable() -> list[str]:
    """Return the modules that are loaded and can be loaded by their names: no migrations."""
    return [name for name, module in sys.modules.items() if _has_spec(name, module)]


def _has_spec(name: str, module: object) -> bool:
    spec = getattr(module, "__spec__", None)
    return name != "__main__" and spec is not None and spec.name == name and _is_found(name)


def _is_found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def load(names: Iterable[str]) -> None:
    """Import modules; one that is not there any more is left to the call."""
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)


def peak_mb() -> float:
    """Return the largest resident set so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.caller")
    for name in ("answer", "call", "url", "folder"):
        parser.add_argument(name)
    parser.add_argument("--again", type=int, default=0)
    parser.add_argument("--heartbeat", action="store_true")
    parser.add_argument("--learn", metavar="FILE")
    parser.add_argument("--modules", metavar="FILE")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
