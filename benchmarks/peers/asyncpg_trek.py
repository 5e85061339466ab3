"""asyncpg-trek: in one transaction as its README shows, and its two calls one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script

# The README hands `plan` and `execute` one argument more than release 0.4.0 takes.
MIGRATE = """\
import asyncio
import contextlib
import sys
from pathlib import Path

import asyncpg
from asyncpg_trek import Direction, execute, plan
from asyncpg_trek.asyncpg import AsyncpgBackend


async def main(url, folder, target):
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        backend = AsyncpgBackend(connection)
        async with {around}:
            planned = await plan(backend, Path(folder), target, Direction.up)
            await execute(backend, planned)
    finally:
        await connection.close()


asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class AsyncpgTrek:
    """A script around the library, which has no command line.

    Its SQLite back end runs one statement per file and leaves the COMMIT to the caller (0.4.0),
    so it is compared on PostgreSQL alone.

    Attributes:
        around: What is entered around ``plan`` and ``execute``; each of them opens a transaction
            of its own inside.
    """

    name: str
    around: str = "backend.connect()"
    requirements: tuple[str, ...] = ("asyncpg-trek==0.4.0", "asyncpg")
    databases: frozenset[str] = frozenset({"postgresql"})
    leaves_transactions: bool = False
    call: str = "asyncpg_trek"
    settings: tuple[tuple[str, str], ...] = ()
    program: str = ""
    module: str = "asyncpg_trek.asyncpg"
    names: str = "AsyncpgBackend"

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script, named after the revisions before and after it."""
        del programs
        (folder / "migrate.py").write_text(MIGRATE.format(around=self.around))
        files = folder / "revisions"
        files.mkdir(exist_ok=True)
        for script in scripts:
            before = f"r{script.number - 1}" if script.number > 1 else "initial"
            (files / f"20260101_{before}_up_r{script.number}.sql").write_text(script.sql)

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending: up to the newest revision."""
        python, revisions = str(programs / "python"), folder / "revisions"
        return [python, str(folder / "migrate.py"), url, str(revisions), newest(revisions)]


def newest(revisions: Path) -> str:
    """Return the name of the newest revision in a folder that :meth:`AsyncpgTrek.write` wrote."""
    return f"r{sum(1 for _ in revisions.iterdir())}"
