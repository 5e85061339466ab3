"""A database, a tool, and its runners as processes: what a race and a fault are made of."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.scenario import read_contents
from tests.commands import clean_environment
from tests.database import ask, tables
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.peers.base import Peer
    from benchmarks.scenario import Contents, Scenario

TAIL = 600  # characters of what a runner wrote that are kept
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a runner ended.

    Attributes:
        code: Its exit code, minus the number of the signal that ended it; None if it did not end.
        seconds: How long it ran.
        output: The end of what it wrote.
    """

    code: int | None
    seconds: float
    output: str


@dataclass(frozen=True, slots=True)
class Runner:
    """One process of a tool."""

    process: asyncio.subprocess.Process
    began: float
    log: Path

    async def end(self, within: float) -> Exit:
        """Wait for its end, or until ``within`` seconds are over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), within)
        output = self.log.read_text(errors="replace")[-TAIL:]
        return Exit(self.process.returncode, time.monotonic() - self.began, output)

    def send(self, number: int) -> None:
        """Send a signal; one that is gone already is left alone.

        Not by the process object: it would look whether it has ended, and take the exit code
        away from the event loop, which then makes up another (CPython 3.11).
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)


@dataclass(frozen=True, slots=True)
class Ring:
    """One tool in front of one database.

    Attributes:
        peer: The tool.
        programs: The ``bin`` folder that it is in.
        folder: Its migrations; also where it runs.
        database: ``postgresql`` or ``sqlite``.
        url: The database, reached directly.
        scratch: Where the runners' output goes.
        runners: Every process that was started.
    """

    peer: Peer
    programs: Path
    folder: Path
    database: str
    url: str
    scratch: Path
    runners: list[Runner] = field(default_factory=list[Runner])

    def write(self, scenario: Scenario, count: int | None = None) -> None:
        """Write the scripts of a scenario, or the first few of them."""
        self.peer.write(self.programs, self.folder, scenario.scripts[:count])

    async def start(self, url: str = "") -> Runner:
        """Start a runner, by way of another URL if one is given."""
        log = self.scratch / f"runner_{next(_numbers)}.log"
        command = self.peer.command(self.programs, self.folder, url or self.url)
        with log.open("wb") as stream:
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.folder,
                env=clean_environment(self.scratch),
            )
        runner = Runner(process, began, log)
        self.runners.append(runner)
        return runner

    async def run(self, within: float) -> Exit:
        """Run it once; kill it if it does not end."""
        runner = await self.start()
        ended = await runner.end(within)
        await self.clear()
        return ended

    async def prepare(self, scenario: Scenario, within: float) -> None:
        """Apply the first script, and put the others beside it."""
        self.write(scenario, 1)
        ended = await self.run(within)
        assert ended.code == 0, f"{self.peer.name}: {ended.output}"
        self.write(scenario)

    async def release(self) -> None:
        """Let whatever runs from now on run without a pause."""
        if "pause" in await tables(self.url):
            await ask(self.url, "UPDATE pause SET length = 0")

    async def contents(self) -> Contents:
        """Look at what is in the database."""
        return await read_contents(self.url)

    async def clear(self) -> None:
        """Kill every runner that is left."""
        for runner in self.runners:
            if runner.process.returncode is None:
                runner.send(signal.SIGKILL)
                await runner.process.wait()


@contextlib.contextmanager
def ring(peer: Peer, programs: Path, database: str, server: str) -> Generator[Ring]:
    """Make a fresh database and an empty folder, and clean up after them."""
    with tempfile.TemporaryDirectory(prefix="asyncmig-peers-") as place:
        scratch = Path(place)
        folder = scratch / "project"
        folder.mkdir()
        if database == "sqlite":
            yield Ring(peer, programs, folder, database, f"sqlite:///{scratch}/ring.db", scratch)
            return
        with fresh_database(server, f"ring_{next(_numbers)}") as url:
            yield Ring(peer, programs, folder, database, url, scratch)
