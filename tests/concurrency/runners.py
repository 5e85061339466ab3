"""Start many runners at the same moment: as processes, as tasks, as threads."""

from __future__ import annotations

import asyncio
import enum
import json
import sys
import threading
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.streams.text import TextReceiveStream

from asyncmig import Migrator
from asyncmig.cli.output.exit_codes import exit_code_of
from asyncmig.errors import AsyncmigError
from tests.commands import clean_environment
from tests.concurrency.journal import SECONDS, until
from tests.concurrency.starter import READY
from tests.servers.postgres import PROJECT

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from pathlib import Path

    from anyio.abc import ByteReceiveStream, Process

    from tests.concurrency.journal import Journal
    from tests.migration_folder import MigrationFolder


HOLDER = 0
"""The number of the runner that the others wait for."""


class Form(enum.StrEnum):
    """What a runner is."""

    PROCESSES = "processes"
    TASKS = "tasks"
    THREADS = "threads"


@dataclass(frozen=True, slots=True)
class Order:
    """What one runner has to do: `up`.

    Attributes:
        url: The database.
        folder: The migrations.
        wait_timeout: Seconds to wait for another runner.
    """

    url: str
    folder: MigrationFolder
    wait_timeout: float | None = None

    @property
    def words(self) -> list[str]:
        """The order as words of a command line."""
        words = ["up", "--json", "--log-format", "json", "--database", self.url]
        words += ["--source", str(self.folder.path)]
        if self.wait_timeout is not None:
            words += ["--wait-timeout", str(self.wait_timeout)]
        return words


@dataclass(frozen=True, slots=True)
class Ended:
    """How a runner ended.

    Attributes:
        exit_code: That of its process, or what it would have been.
        applied: The keys of what it applied itself.
        error: The sentence that it failed with; empty when it did not.
        hint: What to do next.
    """

    exit_code: int
    applied: tuple[str, ...]
    error: str = ""
    hint: str = field(default="", compare=False)


def applied(ended: Sequence[Ended]) -> Counter[str]:
    """Count how often each migration was applied, by what the runners report."""
    return Counter(key for end in ended for key in end.applied)


class StartingLine:
    """Holds runners of one event loop back until all have arrived."""

    def __init__(self, runners: int) -> None:
        self._missing = runners
        self._gun = anyio.Event()

    async def arrive(self) -> None:
        """Return when everybody is here."""
        self._missing -= 1
        if self._missing == 0:
            self._gun.set()
        await self._gun.wait()


async def start(form: Form, orders: Sequence[Order], journal: Journal) -> list[Ended]:
    """Start all runners at the same moment, and return how each ended.

    Raises:
        TimeoutError: They do not end.
    """
    match form:
        case Form.PROCESSES:
            return await start_processes(orders, journal)
        case Form.TASKS:
            return await _together(
                [partial(run, number, order, journal) for number, order in enumerate(orders)]
            )
        case Form.THREADS:
            return await anyio.to_thread.run_sync(_threads, orders, journal)


async def run(number: int, order: Order, journal: Journal) -> Ended:
    """Be a runner inside this event loop."""
    migrator = Migrator(
        order.url,
        order.folder,
        wait_timeout=order.wait_timeout,
        observer=journal.observer(number),
    )
    try:
        report = await migrator.up()
    except AsyncmigError as error:
        return Ended(exit_code_of(error), journal.applied(number), error.message, error.hint)
    return Ended(0, tuple(entry.key for entry in report.entries))


@asynccontextmanager
async def held_up(gate: Path, order: Order, journal: Journal, at: str) -> AsyncGenerator[None]:
    """Let a runner come as far as the gate in a migration; open it when the block ends."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, HOLDER, order, journal)
        await journal.until_begun(at)
        try:
            yield
        finally:
            await anyio.Path(gate).touch()


def _threads(orders: Sequence[Order], journal: Journal) -> list[Ended]:
    """Run each order in a thread with an event loop of its own."""
    line = threading.Barrier(len(orders))
    ended: dict[int, Ended] = {}

    def runner(number: int, order: Order) -> None:
        line.wait(SECONDS)
        ended[number] = asyncio.run(run(number, order, journal))

    threads = [
        threading.Thread(target=runner, args=numbered, name=f"runner {numbered[0]}")
        for numbered in enumerate(orders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [ended[number] for number in range(len(orders))]


async def start_processes(
    orders: Sequence[Order],
    journal: Journal,
    *,
    seconds: float = SECONDS,
    prefix: Sequence[str] = (),
) -> list[Ended]:
    """Start all processes, let them run at the same moment, and return how each ended.

    Args:
        orders: One for each.
        journal: Where what they log is written to.
        seconds: How long they may take together.
        prefix: A command that runs a command, in front of each.

    Raises:
        TimeoutError: They do not end; they are killed.
    """
    line = StartingLine(len(orders))
    return await _together(
        [
            partial(_process, number, [*prefix, *_command(order)], journal, line)
            for number, order in enumerate(orders)
        ],
        seconds,
    )


def _command(order: Order) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "tests.concurrency.starter", *order.words]


async def _process(number: int, command: list[str], journal: Journal, line: StartingLine) -> Ended:
    """Run a process to its end, and kill it when that is cancelled."""
    async with _started(command) as process:
        return await _ending(number, process, journal, line)


@asynccontextmanager
async def started(
    number: int, order: Order, journal: Journal, *, prefix: Sequence[str] = ()
) -> AsyncGenerator[Child]:
    """Start one process, for something to happen to it; kill it if it is there after the block."""
    async with (
        _started([*prefix, *_command(order)]) as process,
        anyio.create_task_group() as tasks,
    ):
        child = Child(process)

        async def follow() -> None:
            child.ended = await _ending(number, process, journal, StartingLine(1))

        tasks.start_soon(follow)
        try:
            yield child
        finally:
            with suppress(ProcessLookupError):  # it has ended
                process.kill()


@dataclass(slots=True)
class Child:
    """A process that a test does something to.

    Attributes:
        process: It.
        ended: How it ended; `None` while it runs.
    """

    process: Process
    ended: Ended | None = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def end(self, seconds: float = SECONDS) -> Ended:
        """Return how it ended by itself.

        Raises:
            TimeoutError: It does not.
        """
        await until(lambda: self.ended is not None, seconds)
        assert self.ended is not None
        return self.ended


@asynccontextmanager
async def _started(command: list[str]) -> AsyncGenerator[Process]:
    environment = clean_environment(PROJECT / "tests" / "concurrency")
    async with await anyio.open_process(command, cwd=PROJECT, env=environment) as process:
        yield process


async def _ending(number: int, process: Process, journal: Journal, line: StartingLine) -> Ended:
    heard: list[str] = []
    assert process.stdout is not None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_listen, process.stdout, heard.append)
        tasks.start_soon(_follow, number, process, journal, line)
    return _ended(await process.wait(), "".join(heard), journal)


async def _follow(number: int, process: Process, journal: Journal, line: StartingLine) -> None:
    """Bring a process to the starting line, then write down what it logs."""
    rest = ""
    assert process.stderr is not None
    assert process.stdin is not None
    async for part in TextReceiveStream(process.stderr):
        *lines, rest = (rest + part).split("\n")
        for text in lines:
            if text == READY:
                await line.arrive()
                await process.stdin.send(b"\n")
            elif text.startswith("{"):
                journal.read(number, text)
            else:
                journal.remarks.append(text)


async def _listen(stream: ByteReceiveStream, hear: Callable[[str], None]) -> None:
    async for part in TextReceiveStream(stream):
        hear(part)


def _ended(code: int, printed: str, journal: Journal) -> Ended:
    if code < 0:
        return Ended(code, (), f"ended by signal {-code}")
    assert printed, (code, journal.remarks)
    document = json.loads(printed)
    error = document["error"]
    applied = tuple(row["version"] for row in document["migrations"])
    if error is None:
        return Ended(code, applied)
    return Ended(code, applied, error["message"], error["hint"] or "")


async def _together(
    runners: Sequence[Callable[[], Awaitable[Ended]]], seconds: float = SECONDS
) -> list[Ended]:
    ended: dict[int, Ended] = {}

    async def keep(number: int, runner: Callable[[], Awaitable[Ended]]) -> None:
        ended[number] = await runner()

    with anyio.fail_after(seconds):
        async with anyio.create_task_group() as tasks:
            for number, runner in enumerate(runners):
                tasks.start_soon(keep, number, runner)
    return [ended[number] for number in range(len(runners))]
