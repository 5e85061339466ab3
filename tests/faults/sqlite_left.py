"""Databases as somebody has left them: closed to writers, or in the middle of a COMMIT.

For a process with a single thread: see :func:`tests.faults.sqlite_forks.apart`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import tempfile
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.cli.output.exit_codes import exit_code_of
from asyncmig.errors import AsyncmigError
from tests.faults.sqlite import FOLDER
from tests.faults.sqlite_forks import as_nobody, forked
from tests.faults.sqlite_runs import Place, snapshot
from tests.faults.sqlite_scenario import write_sqlite_scenario

if TYPE_CHECKING:
    from collections.abc import Generator

LATER = "003"
"""The version up to which a database is migrated that is to have something pending."""

Answers = tuple[str, str]
"""What `status` and `up` say: a number of migrations, or an exit code and a sentence."""


class Closed(Enum):
    """What may not be written: the modes of the files, and that of their folder."""

    FILE = (0o444, 0o777)
    FOLDER = (0o666, 0o555)
    BOTH = (0o444, 0o555)


@contextlib.contextmanager
def _migrated(mode: str, to: str | None = None) -> Generator[Place]:
    """Make a database, in a folder that everybody may look into."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        root = Path(folder)
        root.chmod(0o755)
        write_sqlite_scenario(root / "migrations")
        (root / "database").mkdir()
        place = Place(root / "database" / "test.db", root / "migrations", mode)
        asyncio.run(place.migrator.up(to=to))
        yield place


def visited(place: Place) -> Answers:
    """Look at a database, then migrate it."""
    return _status(place), _up(place)


def _status(place: Place) -> str:
    try:
        report = asyncio.run(place.migrator.status())
    except AsyncmigError as error:
        return _told(error)
    return f"{sum(migration.is_pending for migration in report.migrations)} pending"


def _up(place: Place) -> str:
    try:
        report = asyncio.run(place.migrator.up())
    except AsyncmigError as error:
        return _told(error)
    return f"{len(report.entries)} applied"


def _told(error: AsyncmigError) -> str:
    return f"exit {exit_code_of(error):d}: {error.message.rpartition('/')[2]}"


def closed(mode: str, *, in_use: bool) -> dict[tuple[Closed, str | None], Answers]:
    """Visit databases that may not be written, as a user who is not root.

    Args:
        mode: The journal mode.
        in_use: Whether an application of another user has it open, and has written to it.
    """
    found: dict[tuple[Closed, str | None], Answers] = {}
    for what in Closed:
        for to in (LATER, None):
            with _migrated(mode, to) as place, _application(place.path, in_use=in_use):
                _close(place.path, what)
                before = _content(place.path)
                found[what, to] = as_nobody(visited, place).result()
                if before != _content(place.path):
                    raise AssertionError(f"{place.path} was changed")
    return found


@contextlib.contextmanager
def _application(path: Path, *, in_use: bool) -> Generator[None]:
    if not in_use:
        yield
        return
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE app (id INTEGER)")
        yield


def _close(path: Path, what: Closed) -> None:
    of_files, of_folder = what.value
    for file in path.parent.iterdir():
        file.chmod(of_files)
    path.parent.chmod(of_folder)


def _content(path: Path) -> dict[str, bytes]:
    """Return the files but for those that every reader of WAL makes and uses."""
    files = (file for file in path.parent.iterdir() if file.name != f"{path.name}-shm")
    return {file.name: found for file in files if (found := file.read_bytes())}


def hot_journal() -> tuple[bool, Answers, bool]:
    """Visit a database whose last writer was killed in the middle of its COMMIT.

    Returns:
        Whether half of a transaction was in the file, what the visit said, and whether the
        database then was what it had been before that transaction.
    """
    with _migrated("delete") as place:
        before, content = snapshot(place.path), place.path.read_bytes()
        forked(_die_while_writing, place.path)
        is_torn = content != place.path.read_bytes()
        answers = forked(visited, place).result()
        return is_torn, answers, before == snapshot(place.path)


def closed_hot_journal() -> dict[Closed | None, Answers]:
    """Visit such a database as a user who may not put it right.

    Returns:
        What the visits said; under ``None`` where it is the URL that forbids it.
    """
    found: dict[Closed | None, Answers] = {}
    with _migrated("delete") as place:
        forked(_die_while_writing, place.path)
        found[None] = forked(visited, replace(place, mode="delete&mode=ro")).result()
    for what in Closed:
        with _migrated("delete") as place:
            forked(_die_while_writing, place.path)
            _close(place.path, what)
            found[what] = as_nobody(visited, place).result()
    return found


def _die_while_writing(path: Path) -> None:
    """Write more than the cache holds, so that SQLite begins to write before the COMMIT."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE members SET name = 'half', visits = -1")
    connection.execute(
        "INSERT INTO ledger WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 3000) SELECT hex(randomblob(50)) FROM n"
    )
    os.kill(os.getpid(), signal.SIGKILL)
