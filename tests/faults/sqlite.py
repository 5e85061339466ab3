"""The fault matrix on SQLite: one process for each fault at each statement, and a clean one after.

In full: ``python -m tests.faults sqlite``.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.request import Durability
from tests.faults.matrix import (
    Fault,
    LostOrDoubledError,
    Outcome,
    Trial,
    chosen,
    shared_out,
    short,
)
from tests.faults.scenario import IN_A_ROW, Phase, Snapshot
from tests.faults.sqlite_forks import forked
from tests.faults.sqlite_runs import Blow, Place, clean_run, snapshot, struck_run
from tests.faults.sqlite_scenario import (
    AUTHORS_OWN,
    CHILDREN,
    write_single_scenario,
    write_sqlite_scenario,
)
from tests.faults.sqlite_tap import CLOSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.sqlite_forks import Ended
    from tests.faults.sqlite_runs import Visit

MODES = ("delete", "wal")
"""The journal modes: the rollback journal, and the write-ahead log."""

FAULTS = (
    Fault.KILL,
    Fault.KILL_AFTER,
    Fault.KILL_WITHIN,
    Fault.CANCEL,
    Fault.DISK_FULL,
    Fault.IO_ERROR,
    Fault.BUSY,
)

CANCEL_SECONDS = 5.0
"""What is promised for the way out of a cancellation."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
FOLDER = _MEMORY if _MEMORY.is_dir() else None
"""Where files live in memory: what a killed process has written is there without a sync."""

_EXITS = {
    Fault.KILL: {-signal.SIGKILL},
    Fault.KILL_AFTER: {-signal.SIGKILL},
    Fault.KILL_WITHIN: {-signal.SIGXFSZ, 0},  # a statement may write nothing
}
_FAIL = {Fault.CANCEL, Fault.DISK_FULL, Fault.IO_ERROR}
"""After these a run may fail; being busy is waited for."""

_NEVER_BUSY = (
    CLOSE,
    "ROLLBACK",
    "PRAGMA busy_timeout",  # these two only change the connection
    "PRAGMA foreign_keys",
    "SAVEPOINT",
    "RELEASE",
    "SELECT token FROM holder",  # by who holds the lock, or without the file's changing hands
    *AUTHORS_OWN,
)
"""How statements begin that SQLite never refuses as busy, or that only an author could repeat."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One phase as it goes without a fault.

    Attributes:
        phase: Which.
        start: The database in front of it; ``None`` for none.
        first: The number of its first point in the whole scenario.
        said: What it says to SQLite.
        snapshot: What it leaves.
    """

    phase: Phase
    start: Path | None
    first: int
    said: tuple[str, ...]
    snapshot: Snapshot

    def blows(self, every: int, turn: int) -> Iterator[Blow]:
        """Choose what to try: each fault at each point, or one of them in turn at some.

        Args:
            every: 1 for all.
            turn: The position of the journal mode. Else each mode has points of its own.
        """
        points = chosen(self.said, every)
        tries = (
            itertools.product(points, FAULTS)
            if every == 1
            else shared_out(points[turn :: len(MODES)], FAULTS)
        )
        for point, fault in tries:
            if fault is not Fault.BUSY or not self.said[point].startswith(_NEVER_BUSY):
                yield Blow(point, fault)


class Ground:
    """A folder to try things in: the migrations, and how each phase goes in one journal mode."""

    def __init__(self, root: Path, mode: str, durability: Durability) -> None:
        self._root = root
        self._mode = mode
        self._durability = durability
        self._migrations = root / "migrations"
        self._single = root / "single"
        self._numbers = itertools.count()
        write_sqlite_scenario(self._migrations)
        write_single_scenario(self._single)
        self.recordings = tuple(self._record())

    def trials(self, every: int) -> Iterator[Trial | LostOrDoubledError]:
        """Try what is chosen."""
        for recording in self.recordings:
            for blow in recording.blows(every, MODES.index(self._mode)):
                yield self._try(recording, blow)

    def killed_rebuilds(self) -> Iterator[Trial | LostOrDoubledError]:
        """Kill a runner at every statement of the rebuild."""
        recording = self.recordings[0]
        first = recording.said.index("PRAGMA foreign_keys = OFF")
        last = recording.said.index("COMMIT", first)
        for point in range(first, last + 1):
            for fault in (Fault.KILL, Fault.KILL_WITHIN):
                yield self._try(recording, Blow(point, fault))

    def _record(self) -> Iterator[Recording]:
        """Run the scenario in this process, which warms it up for those that are forked from it."""
        start, first = None, 1
        for phase in (*IN_A_ROW, Phase.TOGETHER):
            if phase is Phase.TOGETHER:
                start = None
            place = self._place(start, phase)
            visit = struck_run(place, phase)
            _refuse_wrong_end(visit, None, visit.said)
            found = snapshot(place.path)
            if phase is not Phase.DOWN and CHILDREN not in found.data:
                raise LostOrDoubledError(f"the rebuild has lost rows without a fault: {found.data}")
            yield Recording(phase, start, first, visit.said, found)
            start, first = place.path, first + len(visit.said)

    def _try(self, recording: Recording, blow: Blow) -> Trial | LostOrDoubledError:
        place = self._place(recording.start, recording.phase)
        phase, said = recording.phase, recording.said
        number = recording.first + blow.point
        try:
            struck = forked(struck_run, place, phase, blow)
            _refuse_wrong_exit(struck, blow, said[: blow.point + 1])
            verdict = forked(clean_run, place, phase, recording.snapshot).result()
        except LostOrDoubledError as error:
            where = f"{self._mode}, {self._durability}, point {number} ({blow.fault.value})"
            return LostOrDoubledError(f"{where}: {short(said[blow.point])}\n{error}")
        finally:
            shutil.rmtree(place.path.parent)
        return Trial(number, said[blow.point], blow.fault, verdict)

    def _place(self, start: Path | None, phase: Phase) -> Place:
        migrations = self._single if phase is Phase.TOGETHER else self._migrations
        folder = self._root / str(next(self._numbers))
        folder.mkdir()
        path = folder / "test.db"
        if start is not None:
            shutil.copyfile(start, path)
        return Place(path, migrations, self._mode, self._durability)


def matrix(
    every: int, modes: Sequence[str] = MODES, durabilities: Sequence[Durability] = tuple(Durability)
) -> Outcome:
    """Try the faults at each nth statement, in each journal mode.

    Only for a process with a single thread: it forks.

    Args:
        every: 1 for every fault at every point; more for one fault in turn at each nth point, and
            at those that decide.
        modes: The journal modes.
        durabilities: Whether each migration has a transaction of its own.
    """
    grounds = tuple(itertools.product(modes, durabilities))
    return _outcome(grounds, lambda ground: ground.trials(every))


def killed_rebuilds(modes: Sequence[str] = MODES) -> Outcome:
    """Kill a runner at every statement of the rebuild of a table that others refer to.

    Only for a process with a single thread: it forks.
    """
    grounds = tuple((mode, Durability.MIGRATION) for mode in modes)
    return _outcome(grounds, Ground.killed_rebuilds)


def _outcome(
    grounds: Sequence[tuple[str, Durability]],
    trials: Callable[[Ground], Iterator[Trial | LostOrDoubledError]],
) -> Outcome:
    tried: list[Trial] = []
    failures: list[str] = []
    for mode, durability in grounds:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            for ended in trials(Ground(Path(folder), mode, durability)):
                if isinstance(ended, Trial):
                    tried.append(ended)
                else:
                    failures.append(str(ended))
    return Outcome(tuple(tried), tuple(failures))


def _refuse_wrong_exit(ended: Ended[Visit], blow: Blow, said: tuple[str, ...]) -> None:
    """See that the runner was killed when it should have been, and else ended as it must.

    Raises:
        LostOrDoubledError: It did not.
    """
    if ended.exit_code not in _EXITS.get(blow.fault, {0}):
        raise LostOrDoubledError(f"the runner exited with {ended.exit_code}")
    if not ended.exit_code:
        _refuse_wrong_end(ended.result(), blow.fault, said)


def _refuse_wrong_end(visit: Visit, fault: Fault | None, said: tuple[str, ...]) -> None:
    """See that the runner failed only where it may, in its own words, and left nothing behind.

    Raises:
        LostOrDoubledError: It did not.
    """
    if visit.said[: len(said)] != said:
        raise LostOrDoubledError(f"the runner said something else: {visit.said[: len(said)]}")
    if visit.error and not (fault in _FAIL and visit.is_expected):
        raise LostOrDoubledError(f"the runner failed: {visit.error}")
    if fault is Fault.CANCEL and not visit.error:
        raise LostOrDoubledError("the cancellation was swallowed")
    if visit.left:
        raise LostOrDoubledError(f"the runner left {visit.left}")
    if visit.seconds > CANCEL_SECONDS:
        raise LostOrDoubledError(f"the way out took {visit.seconds:.1f} s")
