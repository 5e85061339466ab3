"""Runners to kill: `python -m tests.faults.victims` forks one for each line of its input.

A process of its own that has imported everything, has no thread and forks is the cheap way: a
runner is there in milliseconds, and SIGKILL takes nothing else along. It prints `pid N` for each,
and `ended STATUS` when that one has ended; a negative status is the signal. Each line is a JSON
list: the database's URL, the folder, the phase.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from asyncmig import AsyncmigError, Migrator
from tests.faults.scenario import Phase
from tests.servers.postgres import PROJECT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

_IMPORTED_LATER = ("asyncmig.engines.url", "asyncmig.engines.postgres")
"""What a run imports as it goes: once here, and not in each fork."""

REFUSED = 1
"""The status of a runner that ended with an error of asyncmig; with another one it is 2."""


def main() -> None:
    """Serve until standard input closes."""
    for name in _IMPORTED_LATER:
        import_module(name)
    for line in sys.stdin:
        url, folder, phase = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_run(url, folder, Phase(phase)))
        print("pid", pid, flush=True)  # noqa: T201 - the parent process reads it
        # Not reaped yet: its id must stay its own for as long as somebody may kill it.
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        print("ended", status, flush=True)  # noqa: T201 - the same
        sys.stdin.readline()
        os.waitpid(pid, 0)


def _run(url: str, folder: str, phase: Phase) -> int:
    """Be a runner, and return its exit status."""
    try:
        asyncio.run(phase.run(Migrator(url, folder, observer=None)))
    except AsyncmigError:
        return REFUSED
    except BaseException as error:  # noqa: BLE001 - this is the top of a process
        sys.stderr.write(f"{error!r}\n")
        return REFUSED + 1
    return 0


class Victims:
    """The parent's end of such a process. It has one runner at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._running: int | None = None

    async def start(self, url: str, folder: Path, phase: Phase) -> None:
        """Start a runner."""
        self._write(json.dumps([url, str(folder), phase.value]))
        self._running = int(await self._read("pid"))

    def kill(self) -> None:
        """Send SIGKILL to the runner, if one was started and not waited for."""
        if self._running is not None:
            os.kill(self._running, signal.SIGKILL)

    async def end(self, seconds: float) -> int:
        """Wait for the runner, kill it when it takes longer, and return its status."""
        ended = asyncio.ensure_future(self._read("ended"))
        if not (await asyncio.wait({ended}, timeout=seconds))[0]:
            self.kill()
        status = int(await ended)
        self._running = None
        self._write("")
        return status

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def _read(self, word: str) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        found, _, rest = line.strip().partition(" ")
        assert word == found, f"the process that forks runners said {line!r}"
        return rest


@contextlib.asynccontextmanager
async def victims() -> AsyncGenerator[Victims]:
    """Have runners to kill inside the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "tests.faults.victims"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=PROJECT,
    )
    assert process.stdin is not None
    found = Victims(process)
    try:
        yield found
    finally:
        found.kill()
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
