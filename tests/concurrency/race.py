"""The acceptance form of the herd: many processes, an empty database, many rounds."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from asyncmig.events import RunStarted
from tests.concurrency.evidence import everything_once, evidence
from tests.concurrency.folders import herd_folder
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Order, applied, start_processes
from tests.migration_folder import MigrationFolder
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    Fresh = Callable[[], contextlib.AbstractContextManager[str]]

SECONDS = 600.0  # for one round, on whatever machine


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round.

    Attributes:
        exits: How many processes ended with which exit code.
        once: Whether data, history and reports show each migration once.
        seconds: From the starting line to the last one who was ready.
        left: How many locks and sessions were left.
    """

    exits: Counter[int]
    once: bool
    seconds: float
    left: int


def races(kind: str, processes: int, rounds: int) -> Iterator[Round]:
    """Race again and again, each time on an empty database.

    Args:
        kind: `sqlite` or `postgresql`.
        processes: How many start at once.
        rounds: How often.
    """
    with databases(kind) as fresh:
        for _ in range(rounds):
            with fresh() as url, tempfile.TemporaryDirectory() as folder:
                yield anyio.run(_race, url, MigrationFolder(Path(folder)), processes)


@contextlib.contextmanager
def databases(kind: str) -> Generator[Fresh]:
    """Yield what makes an empty database, as long as a server runs for it."""
    if kind == "sqlite":
        yield _fresh_file
        return
    with postgres() as server:
        names = (f"race_{os.getpid()}_{number}" for number in range(10**6))
        yield lambda: fresh_database(server, next(names))


@contextlib.contextmanager
def _fresh_file() -> Generator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/race.db"


async def _race(url: str, folder: MigrationFolder, processes: int) -> Round:
    journal = Journal()
    keys = herd_folder(folder, url)
    ended = await start_processes([Order(url, folder)] * processes, journal, seconds=SECONDS)
    found = await evidence(url)
    began = min(note.at for note in journal.of(RunStarted))
    return Round(
        Counter(end.exit_code for end in ended),
        (found, applied(ended)) == (everything_once(keys), Counter(keys)),
        max(journal.ready_at().values()) - began,
        found.left,
    )
