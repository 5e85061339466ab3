"""The seam between the runner and a database: two protocols and the values that cross it.

An :class:`Engine` knows how to reach one database; a :class:`Session` is one visit to it. A session
reads the history without a lock, takes the lock, and applies one step at a time. It decides
nothing: what to run comes from :mod:`asyncmig.plan`.

Changes to these protocols are not breaking until we say so.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from asyncmig.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from datetime import datetime

    from asyncmig.batching import Forecast
    from asyncmig.blocker import Blocker
    from asyncmig.engines.statements import Prepared
    from asyncmig.errors import AsyncmigError
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading
    from asyncmig.glance import Trace
    from asyncmig.history import (
        Batches,
        Edit,
        Failure,
        Generation,
        History,
        HistoryEntry,
        NewRow,
    )
    from asyncmig.locks import LockReport
    from asyncmig.plan import Plan, Step
    from asyncmig.sql import Dialect

CLEANUP_SECONDS = 3.5
"""How long the whole clean-up of a cancelled run may take before the connection is terminated: well
below the 5 s that are promised, which a busy event loop and the last goodbyes count in."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs, for the history and for those who wait.

    Attributes:
        run_id: Identifies the run.
        tool_version: The release of asyncmig.
        host: The name of this machine.
        pid: This process.
    """

    run_id: str
    tool_version: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)

    @classmethod
    def new(cls) -> Runner:
        """Return this process, with a run of its own."""
        return cls(run_id=uuid.uuid4().hex[:12], tool_version=__version__)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, as far as the database tells.

    Attributes:
        description: For people, such as ``asyncmig/1f3a… (pid 4711)``.
        since: Since when it is connected.
    """

    description: str
    since: datetime | None = None


async def _anything(_session: Session) -> None:
    """Find everything in order."""


class NothingToDo(Exception):  # noqa: N818 - not an error: the way out of a wait
    """The wait for the lock is over because another runner did the work."""


class ForeignLockTakenError(Exception):
    """Another tool is at it. Internal: wait, and try again."""


class HistoryMovedError(Exception):
    """The history is no longer the one that the plan was made from. Internal: plan again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How to wait for another runner.

    Attributes:
        timeout: Seconds to wait at most; ``None`` for as long as the holder lives.
        settled: Asked with the history at each poll: is there nothing left to do? May raise what
            the holder's failure means for this runner.
        on_waiting: Told now and then who is in the way, and for how many seconds so far.
        admit: Asked under the lock, before anything is written, the history table included, which
            may not be there yet. May raise.
    """

    timeout: float | None
    settled: Callable[[History], bool]
    on_waiting: Callable[[Holder | None, float], None]
    admit: Callable[[Session], Awaitable[None]] = _anything


@dataclass(frozen=True, slots=True)
class Adoption:
    """What to read of another tool, and how to make rows of our history of it.

    Attributes:
        readings: What to read.
        locks: The advisory locks that the tool takes while it runs (PostgreSQL).
        decide: Returns the rows to append, given what was read. Called in a worker thread; what it
            raises is passed on, and nothing is written then.
    """

    readings: Sequence[Reading]
    locks: Sequence[int]
    decide: Callable[[Sequence[Sequence[ForeignRow]]], Sequence[NewRow]]


def _nobody(_report: LockReport) -> None:
    """Be told and do nothing."""


@dataclass(frozen=True, slots=True)
class StepEvents:
    """What a session says while it applies a step.

    Attributes:
        on_started: The turn of the step is confirmed under the lock; its SQL comes next.
        on_retrying: It was rolled back because of a lock: attempt, seconds until the next, reason,
            and who held the lock, as far as that is known.
        on_waiting: A statement waits for others, and no time-out will end that soon: for how many
            seconds so far, the phase of an index build (or nothing), and for whom.
        on_locks: What it locked, rewrote and scanned, if that was asked for; COMMIT comes next. In
            batches once, when they end, however they do.
        on_progress: Another batch of it is committed; now and then.
    """

    on_started: Callable[[], None]
    on_retrying: Callable[[int, float, str, tuple[Blocker, ...]], None]
    on_waiting: Callable[[float, str, tuple[Blocker, ...]], None]
    on_locks: Callable[[LockReport], None] = _nobody
    on_progress: Callable[[Batches, Forecast], None] = lambda _batches, _forecast: None


@dataclass(frozen=True, slots=True)
class Share:
    """What one step brings into a transaction that it shares with others.

    Attributes:
        step: What to run.
        events: What to tell while it runs.
        around: Returns what its code, and no other's, runs inside of.
        prepared: Its script, as for :meth:`Session.apply`.
    """

    step: Step
    events: StepEvents
    around: Callable[[], Awaitable[AbstractContextManager[None]]]
    prepared: Prepared | None = None


class Session(Protocol):
    """One visit to a database. Not safe to share between tasks."""

    async def history(self) -> History:
        """Read the whole history. Writes nothing and takes no lock.

        Raises:
            HistoryElsewhereError: There is none here, but there is one in another schema.
            HistoryFormatError: A newer release wrote it.
            DatabaseError: The database cannot be read.
        """
        ...

    async def glance(self) -> Sequence[Trace] | None:
        """Read of each row only the columns of :data:`asyncmig.glance.TRACE`, as :meth:`history`.

        Returns:
            The rows, oldest first; ``None`` when there is no table.
        """
        ...

    async def find_tables(self, names: Iterable[str]) -> tuple[ForeignTable, ...]:
        """Find tables of other tools by their names, with one query, as :meth:`history`.

        Args:
            names: ``schema.table``; or a table in the schema of the history, or in one that the
                migrations have on their search path (PostgreSQL).
        """
        ...

    async def read_table(self, reading: Reading) -> list[ForeignRow]:
        """Read a table of another tool, as :meth:`history`."""
        ...

    async def residents(self) -> Sequence[str]:
        """Name the tables and views that are there, sorted: all but ours and the system's.

        On PostgreSQL those of the history's schema and of the ``search_path``, without what belongs
        to an extension. Where there is another history of asyncmig, they are that one's.
        """
        ...

    def lock(self, wait: Wait) -> AbstractAsyncContextManager[float]:
        """Hold the lock. Yields how many seconds the wait for it took.

        On entering, the history table is made (or upgraded) if need be, under the lock.

        Raises:
            NothingToDo: While waiting, ``wait.settled`` became true.
            LockTimeoutError: Another runner held it for longer than ``wait.timeout``.
            ReadOnlyDatabaseError: This database, or this role, cannot write.
        """
        ...

    async def apply(
        self,
        step: Step,
        planned: Generation,
        events: StepEvents,
        prepared: Prepared | None = None,
    ) -> HistoryEntry:
        """Run one step and commit it together with its history. Only inside :meth:`lock`.

        Args:
            step: What to run.
            planned: The generation of the history that the step was planned from; it is compared
                inside the very transaction that runs the step.
            events: What to tell while it runs.
            prepared: The script of the step as ``prepare()`` has cut it, where that was kept;
                ``None`` to have it cut now.

        Returns:
            The row that was appended (or finished), as committed.

        Raises:
            HistoryMovedError: The history has moved on; nothing was run.
            MigrationFailedError: The migration failed; its transaction was rolled back.
        """
        ...

    async def apply_together(
        self, shares: Sequence[Share], planned: Generation
    ) -> tuple[HistoryEntry, ...]:
        """Run steps in one transaction, and commit them all with their history, or nothing.

        Only inside :meth:`lock`. Each is shielded from what the one before it has set, as if each
        had a transaction of its own. The disk has it all when this returns.

        Args:
            shares: The steps in their order, at least one; all of them run in a transaction.
            planned: As for :meth:`apply`, for the first of them.

        Returns:
            The rows that were appended, as committed.

        Raises:
            HistoryMovedError: The history has moved on; nothing was run.
            MigrationFailedError: The step of that version failed; all of them were rolled back.
        """
        ...

    async def rehearse(
        self,
        choose: Callable[[History], Sequence[Step]],
        wait: Wait,
        on_locks: Callable[[Step, LockReport], None],
    ) -> None:
        """Take the lock, run steps in one transaction, look at what each locks, roll back.

        Nothing of it remains, the history table neither; only the table of locks does that a
        server needs which has no advisory locks.

        Args:
            choose: Returns the steps, all of which run in a transaction, given the history.
            wait: How to wait for the lock.
            on_locks: Told of each step.

        Raises:
            SettingsError: This database has nothing to look at.
            HistoryMovedError: The history has moved on; nothing was run.
            MigrationFailedError: A step failed.
        """
        ...

    async def flush(self) -> None:
        """Have the disk hold for good what :meth:`apply` has returned.

        There is nothing to do unless ``durability`` is ``run``: SQL in a transaction may then be
        returned by :meth:`apply` before that. Every other step, and :meth:`record_failure`, comes
        after a flush. Goes on to its end, for a bounded time, while the task is being cancelled.

        Raises:
            HistoryMovedError: Some of it is lost, from the end: read the history again.
            DatabaseError: The database cannot be asked.
        """
        ...

    async def edit(self, edit: Edit, planned: Generation) -> HistoryEntry:
        """Change the history alone, in a transaction. Only inside :meth:`lock`.

        Raises:
            HistoryMovedError: The history has moved on; nothing was written.
        """
        ...

    async def adopt(self, adoption: Adoption, planned: Generation) -> tuple[HistoryEntry, ...]:
        """Append what another tool has done, all in one transaction. Only inside :meth:`lock`.

        Its tables are read in the same transaction, and while its locks are held.

        Returns:
            The rows that were appended.

        Raises:
            ForeignLockTakenError: The other tool holds one of its locks; nothing was written.
            HistoryMovedError: Our history has moved on; nothing was written.
        """
        ...

    async def record_failure(self, step: Step, failure: Failure) -> None:
        """Append a row in state ``failed``, best effort, for the runners that wait."""
        ...


class Engine(Protocol):
    """A database that migrations can be run on."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that it speaks."""
        ...

    @property
    def address(self) -> str:
        """Where it is, without a password: for people, logs and documents."""
        ...

    def session(self, runner: Runner) -> AbstractAsyncContextManager[Session]:
        """Visit the database; the connection is closed, or handed back clean, on every way out."""
        ...

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the plan as a script for psql or the sqlite3 shell.

        Raises:
            InvalidMigrationError: The plan has a step that is not SQL.
        """
        ...


def failure_of(error: AsyncmigError) -> Failure:
    """Return what is worth recording of a failed migration."""
    from asyncmig.history import Failure

    sqlstate = getattr(error, "sqlstate", None)
    return Failure(error.message, sqlstate, error.line, error.column)
