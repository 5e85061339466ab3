"""Run every test that reaches PostgreSQL on several major versions of it, and print a table.

.. code-block:: sh

    python -m tests.versions                        # all that are supported
    python -m tests.versions 14 18                  # these
    python -m tests.versions 14 -- -k lock -x       # what follows -- is for pytest
    python -m tests.versions 14 -- -m ''            # the tests that need no PostgreSQL too

The servers are fetched with pip once, into ``.postgres/``; delete it to get newer minor versions.
The exit code is 1 if a test failed, or none ran.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.machine import NotInstalledError
from tests.servers.postgres import PROJECT
from tests.versions.binaries import MAJORS, installed, version_of
from tests.versions.outcome import Outcome, outcome_of, table

if TYPE_CHECKING:
    from collections.abc import Sequence

OURS = ("-m", "postgres")  # a later -m has the last word


def main(words: Sequence[str]) -> int:
    """Do what the command line says, and return the exit code."""
    ours, for_pytest = _parted(words)
    parser = argparse.ArgumentParser(
        prog="python -m tests.versions",
        usage="%(prog)s [-h] [MAJOR ...] [-- ARGUMENT OF PYTEST ...]",
        description="Run every test that reaches PostgreSQL on several versions of it.",
    )
    parser.add_argument(
        "majors",
        nargs="*",
        type=int,
        metavar="MAJOR",
        help=f"default: {' '.join(map(str, MAJORS))}",
    )
    majors = parser.parse_args(ours).majors or MAJORS
    try:
        servers = [installed(major) for major in majors]
        outcomes = [_tried(binaries, for_pytest) for binaries in servers]
    except NotInstalledError as error:
        parser.exit(2, f"{error}\n")
    print(f"\n{table(outcomes)}")  # noqa: T201 - its output is its result
    return int(any(outcome.exit_code for outcome in outcomes))


def _parted(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return what stands before ``--``, and behind it."""
    if "--" not in words:
        return words, ()
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _tried(binaries: Path, arguments: Sequence[str]) -> Outcome:
    """Run pytest on a server."""
    version = version_of(binaries)
    print(f"\n== PostgreSQL {version}", flush=True)  # noqa: T201 - above what pytest prints
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        words = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *OURS, *arguments]
        done = subprocess.run(words, cwd=PROJECT, env=_environment(binaries), check=False)
        return outcome_of(version, done.returncode, report)


def _environment(binaries: Path) -> dict[str, str]:
    """Return our environment, in which no other server is asked for."""
    kept = {name: value for name, value in os.environ.items() if name != "ASYNCMIG_PG_DSN"}
    return {**kept, "ASYNCMIG_PG_BIN": str(binaries)}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
