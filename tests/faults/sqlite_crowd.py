"""Many processes on one SQLite file: runners that start together, and an application beside them.

For a process with a single thread: see :func:`tests.faults.sqlite_forks.apart`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from asyncmig.engines.sqlite.lock import LockFile
from tests.faults.scenario import Phase
from tests.faults.sqlite import FOLDER
from tests.faults.sqlite_forks import Fork, together
from tests.faults.sqlite_runs import Place, snapshot
from tests.faults.sqlite_scenario import WITHOUT_TRANSACTION, write_sqlite_scenario

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from asyncmig.request import Durability
    from tests.faults.sqlite_forks import Ended

_LINES = {"001", "002", "003", "005"}
"""The versions that write a line into the ledger."""

_SEEN = "SELECT substr(line, 1, 3) FROM ledger WHERE line LIKE '% up'"
_TOLD = "SELECT version FROM asyncmig_history WHERE state = 'applied'"


@dataclass(frozen=True, slots=True)
class Race:
    """What came of a race.

    Attributes:
        failures: The tracebacks of runners that did not succeed.
        applied: How often each migration was applied, by what the runners report.
        is_right: Whether the database is what a single runner makes.
        files: What is left in its folder.
    """

    failures: tuple[str, ...]
    applied: Counter[str]
    is_right: bool
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Service:
    """What an application met while others migrated.

    Attributes:
        written: How many rows it has written, each in a transaction.
        looks: How often it has looked at the ledger and the history at once.
        torn: What it saw when the two did not agree.
    """

    written: int
    looks: int
    torn: tuple[str, ...]


@contextlib.contextmanager
def _ground(mode: str, durability: Durability, *, is_locked: bool = True) -> Generator[Place]:
    """Make a folder with migrations, and warm this process up by running them once."""
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=FOLDER)))
        write_sqlite_scenario(root / "migrations")
        if not is_locked:
            stack.enter_context(patch.object(LockFile, "take", _take_what_is_taken))
            for version in WITHOUT_TRANSACTION:
                next((root / "migrations").glob(f"{version}_*")).unlink()
        (root / "reference").mkdir()
        place = Place(root / "reference" / "test.db", root / "migrations", mode, durability)
        _applied(place)
        yield place


def _take_what_is_taken(_lock: LockFile) -> bool:
    """Be the lock of a file system that has none."""
    return True


def _beside(place: Place, name: str) -> Place:
    folder = place.path.parent.parent / name
    folder.mkdir()
    return replace(place, path=folder / "test.db")


def _applied(place: Place) -> tuple[str, ...]:
    report = asyncio.run(Phase.UP.run(place.migrator))
    return tuple(entry.key for entry in report.entries)


def races(
    mode: str, durability: Durability, runners: int, rounds: int, *, is_locked: bool = True
) -> list[Race]:
    """Let runners start together on a database that is not there yet, again and again.

    Args:
        mode: The journal mode.
        durability: Whether each migration has a transaction of its own.
        runners: How many.
        rounds: How often.
        is_locked: Whether the lock file keeps runners apart. On some network file systems none
            does: then only the fence of each transaction is left, and so only versions with one
            are run.
    """
    with _ground(mode, durability, is_locked=is_locked) as reference:
        return [_race(reference, f"race {number}", runners) for number in range(rounds)]


def _race(reference: Place, name: str, runners: int) -> Race:
    place = _beside(reference, name)
    ended = together([partial(_applied, place)] * runners)
    return _judged(ended, place, reference)


def _judged(ended: Sequence[Ended[tuple[str, ...]]], place: Place, reference: Place) -> Race:
    return Race(
        tuple(end.failure or str(end.exit_code) for end in ended if end.answer is None),
        Counter(key for end in ended for key in end.answer or ()),
        snapshot(place.path) == snapshot(reference.path),
        frozenset(file.name for file in place.path.parent.iterdir()),
    )


def busy_service(mode: str, durability: Durability, runners: int) -> tuple[Race, Service, int]:
    """Migrate beside an application; return what both met, and how many of its rows are there."""
    with _ground(mode, durability) as reference:
        place = replace(_beside(reference, "live"), baseline="none")
        with contextlib.closing(sqlite3.connect(place.path)) as connection:
            connection.execute(f"PRAGMA journal_mode = {mode}")
            connection.execute("CREATE TABLE visitors (id INTEGER PRIMARY KEY)")
        stop = place.path.with_name("stop")
        application = Fork(partial(_serve, place.path, stop))
        try:
            ended = together([partial(_applied, place)] * runners)
        finally:
            stop.touch()
            service = application.wait().result()
        stop.unlink()
        with contextlib.closing(sqlite3.connect(place.path)) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM visitors").fetchone()
            connection.execute("DROP TABLE visitors")
        return _judged(ended, place, reference), service, rows


def _serve(path: Path, stop: Path) -> Service:
    """Write and read without pause, as an application with a time-out of 20 s would."""
    written = looks = 0
    torn: list[str] = []
    with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        while not (written and stop.exists()):
            connection.execute("INSERT INTO visitors DEFAULT VALUES")
            written += 1
            ledger, history = _look(connection)
            looks += 1
            if ledger != history:
                torn.append(f"{ledger} but {history}")
            time.sleep(0.001)
    return Service(written, looks, tuple(torn))


def _look(connection: sqlite3.Connection) -> tuple[set[str], set[str]]:
    """Return the versions that the ledger and the history say are applied, at one moment."""
    connection.execute("BEGIN")
    try:
        tables = _first_column(connection, "SELECT name FROM sqlite_master")
        seen = _first_column(connection, _SEEN) if "ledger" in tables else set[str]()
        told = _first_column(connection, _TOLD) if "asyncmig_history" in tables else set[str]()
        return seen, told & _LINES
    finally:
        connection.execute("COMMIT")


def _first_column(connection: sqlite3.Connection, query: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(query)}
