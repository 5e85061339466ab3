"""The two runners of a trial: the one that is struck, and the clean one that comes after it.

Each is to be called in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
import sys
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from asyncmig import Migrator
from asyncmig.engines.base import Runner
from asyncmig.engines.sqlite.lock import LockFile
from asyncmig.errors import AsyncmigError, IncompleteMigrationError
from asyncmig.request import Durability
from tests.engines.sqlite.places import keys_on
from tests.faults.matrix import Fault, LostOrDoubledError, Verdict
from tests.faults.scenario import HISTORY, Phase, Snapshot, active_rows, refuse_part_of
from tests.faults.sqlite_forks import threads_left
from tests.faults.sqlite_scenario import TRUTH
from tests.faults.sqlite_strikes import Cancel, strike_for
from tests.faults.sqlite_tap import Tap

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.faults.scenario import Trail

_STATE = ("integrity_check", "journal_mode")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trial happens.

    Attributes:
        path: The database.
        migrations: The folder of the migrations.
        mode: The journal mode.
        durability: Whether migrations share a transaction, for which there is no setup hook.
        baseline: What the tables of an application mean.
    """

    path: Path
    migrations: Path
    mode: str
    durability: Durability = Durability.MIGRATION
    baseline: str | None = None

    @property
    def migrator(self) -> Migrator:
        """What runs the migrations."""
        url = f"sqlite:///{self.path}?journal_mode={self.mode}"
        setup = keys_on if self.durability is Durability.MIGRATION else None
        return Migrator(
            url,
            self.migrations,
            observer=None,
            wait_timeout=20,
            setup=setup,
            durability=self.durability,
            baseline=self.baseline,
        )


@dataclass(frozen=True, slots=True)
class Blow:
    """What a runner meets.

    Attributes:
        point: Where, from 0.
        fault: What.
    """

    point: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Visit:
    """What a runner told of itself before it ended.

    Attributes:
        said: What it said to SQLite.
        error: What came out of the run; empty for nothing.
        is_expected: Whether that is an error of asyncmig's own, or the cancellation.
        seconds: From the cancellation to the end.
        left: What it has left in its process: connections, threads, complaints.
    """

    said: tuple[str, ...]
    error: str
    is_expected: bool
    seconds: float
    left: tuple[str, ...]


def struck_run(place: Place, phase: Phase, blow: Blow | None = None) -> Visit:
    """Run one phase, be struck at a point, and tell what came of it if that can still be told."""
    gc.freeze()  # what was there before is not looked through at the end: that takes a while
    tap = Tap()
    with _complaints() as complaints:
        visit = asyncio.run(_struck(place, phase, blow, tap, complaints))
        threads = threads_left()
        gc.collect()
    left = [f"open: {name}" for name in tap.open_files]
    left += [f"in the event loop: {words}" for words in tap.in_loop]
    return replace(visit, left=(*complaints, *threads, *left))


async def _struck(
    place: Place, phase: Phase, blow: Blow | None, tap: Tap, complaints: list[str]
) -> Visit:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    error: BaseException | None = None
    task = asyncio.create_task(phase.run(place.migrator))
    strike = strike_for(blow.fault, task) if blow else None
    if blow and strike:
        tap.arm(blow.point, strike)
    with tap.listening():
        try:
            await task
        except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - to be told
            error = caught
    seconds = 0.0
    if isinstance(strike, Cancel) and strike.at is not None:
        seconds = time.monotonic() - strike.at
    is_cancelled = isinstance(strike, Cancel) and type(error) is asyncio.CancelledError
    return Visit(
        said=tuple(tap.said),
        error=repr(error) if error else "",
        is_expected=is_cancelled or isinstance(error, AsyncmigError | None),
        seconds=seconds,
        left=(),
    )


@contextlib.contextmanager
def _complaints() -> Generator[list[str]]:
    """Collect what Python says about objects that were left behind."""
    found: list[str] = []

    def note(what: sys.UnraisableHookArgs) -> None:
        found.append(f"{what.exc_value!r} in {what.object!r}")

    with warnings.catch_warnings(), patch.object(sys, "unraisablehook", note):
        warnings.simplefilter("error")
        yield found


def clean_run(place: Place, phase: Phase, expected: Snapshot) -> Verdict:
    """Run the phase again as any operator would, and compare.

    Raises:
        LostOrDoubledError: The database is not what it is without a fault.
    """
    refuse_part_of(phase, (), _trail(place.path), expected.trail)
    verdict = asyncio.run(_recover(place, phase))
    found = snapshot(place.path)
    if verdict is Verdict.ASKED:
        expected, found = expected.settled, found.settled
    if found != expected:
        raise LostOrDoubledError(f"expected {expected}\nfound    {found}")
    _refuse_leftovers(place.path)
    return verdict


async def _recover(place: Place, phase: Phase) -> Verdict:
    await place.migrator.status()  # reading works, whatever state the files are in
    try:
        await phase.run(place.migrator)
    except IncompleteMigrationError as question:
        for version in question.versions:
            await _answer(place, version)
        await phase.run(place.migrator)
        return Verdict.ASKED
    return Verdict.RECOVERED


async def _answer(place: Place, version: str) -> None:
    with contextlib.closing(sqlite3.connect(place.path)) as connection:
        (is_there,) = connection.execute(TRUTH[version]).fetchone()
    if is_there:
        await place.migrator.repair(mark=version)
    else:
        await place.migrator.repair(forget=version)


def _refuse_leftovers(path: Path) -> None:
    """See that the lock is free, and that nothing else is left beside the database.

    A killed runner leaves its lock file. Nobody has to take it away: the next one that needs the
    lock does.
    """
    lock = LockFile(str(path), Runner(run_id="next", tool_version="", host="here", pid=1))
    if not lock.take():
        raise LostOrDoubledError("the lock is held by nobody and not free")
    lock.release()
    left = {found.name for found in path.parent.iterdir()} - {path.name}
    if left:
        raise LostOrDoubledError(f"beside the database there is {left}")


def _trail(path: Path) -> Trail:
    """Return the rows of the history, which may not be there yet."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute(HISTORY).fetchall()
        except sqlite3.OperationalError:
            return ()
    return tuple(tuple(map(str, row)) for row in found)


def snapshot(path: Path) -> Snapshot:
    """Return all that is in a database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:

        def ask(query: str) -> tuple[tuple[str, ...], ...]:
            return tuple(tuple(map(str, row)) for row in connection.execute(query))

        state = [("PRAGMA", name, *ask(f"PRAGMA {name}")[0]) for name in _STATE]
        schema = ask("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2")
        tables = [name for kind, name, *_ in schema if kind == "table"]
        rows = (
            (table, *sorted(map(str, ask(f'SELECT * FROM "{table}"'))))
            for table in tables
            if table != "asyncmig_history"
        )
        trail = ask(HISTORY)
        return Snapshot((*state, *schema), tuple(sorted(rows)), active_rows(trail), trail)
