"""The command line, held back at a starting line: `python -m tests.concurrency.starter up …`.

Python needs a third of a second to start. Without a starting line the first of many processes is
done before the last one has begun, and there is no race to speak of.
"""

from __future__ import annotations

import sys

import aiosqlite
import asyncpg
import structlog

from asyncmig.cli.main import main
from asyncmig.engines import postgres, sqlite

READY = "ready"
LOADED = (aiosqlite, asyncpg, structlog, postgres, sqlite)
"""What a run imports later: it shall not cost time behind the line."""


def start() -> int:
    """Say on stderr that this process is ready, wait for a line on stdin, and run."""
    print(READY, file=sys.stderr, flush=True)  # noqa: T201 - the parent process reads it
    if not sys.stdin.readline():  # the parent is gone: there is no race any more
        return 1
    return main()


if __name__ == "__main__":
    sys.exit(start())
