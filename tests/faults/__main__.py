"""Run the whole fault matrix and print its table.

.. code-block:: sh

    python -m tests.faults                       # every fault at every point, both databases
    python -m tests.faults postgres --every 5    # each fifth point, and those that decide
    python -m tests.faults batches               # kill batches at random points, both databases

The exit code is 1 if a trial lost or doubled something.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

from tests.faults.matrix import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.matrix import Outcome

DATABASES = ("postgres", "sqlite", "batches")
"""Each has a module of that name here, with a function ``matrix(every) -> Outcome``; the last one
is for both databases."""


def main(words: Sequence[str]) -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Try every fault at every point of a run, and print what came of it.",
    )
    parser.add_argument("database", nargs="?", choices=DATABASES, help="default: all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth point only")
    asked = parser.parse_args(words)
    names = (asked.database,) if asked.database else DATABASES
    return max([_run(name, asked.every) for name in names])


def _run(name: str, every: int) -> int:
    began = time.monotonic()
    outcome: Outcome = import_module(f"tests.faults.{name}").matrix(every)
    seconds = time.monotonic() - began
    tried = len(outcome.trials) + len(outcome.failures)
    print(f"{name}: {tried} trials in {seconds:.0f} s\n{table(outcome.trials)}")  # noqa: T201
    for failure in outcome.failures:
        print(f"\n{failure}", file=sys.stderr)  # noqa: T201
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
