"""One visit to a database, and the wait for another runner that it may begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from asyncmig.engines.base.adoption import Adoption
    from asyncmig.engines.base.step import Share, StepEvents
    from asyncmig.engines.statements import Prepared
    from asyncmig.foreign import ForeignRow, ForeignTable, Reading
    from asyncmig.glance import InForce
    from asyncmig.history import Edit, Failure, Generation, History, HistoryEntry
    from asyncmig.locks import LockReport
    from asyncmig.plan import Step


class Session(Protocol):
    """One visit to a database. Not safe to share between tasks."""

    async def history(self, known: History | None = None) -> History:
        """Read the whole history. Writes nothing and takes no lock.

        Args:
            known: What was read before: it is the answer as long as nothing has changed since.
                Every change appends a row or finishes one, and what a crash takes back are the
                newest rows; so it is enough to look at the newest one and the unfinished ones.

        Raises:
            HistoryElsewhereError: There is none here, but there is one in another schema.
            HistoryFormatError: A newer release wrote it.
            DatabaseError: The database cannot be read.
        """
        ...

    async def glance(self) -> InForce | None:
        """Read of the history only what is in force, as :meth:`history`.

        Returns:
            ``None`` when there is no table, or it takes a closer look.
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

    async def apply_in_turn(self, shares: Sequence[Share], planned: Generation) -> None:
        """Run the first step, and as many behind it as can go with it, as :meth:`apply` does.

        Each is committed by itself, and told of in order, also when a later one fails. More than
        one are run only of those that are SQL in a transaction and nothing else.

        Args:
            shares: The steps in their order, at least one.
            planned: As for :meth:`apply`, for the first of them.

        Raises:
            HistoryMovedError: The history has moved on; nothing more was run.
            MigrationFailedError: The step of that version failed; its transaction was rolled back.
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


async def apply_first(session: Session, shares: Sequence[Share], planned: Generation) -> None:
    """Apply the first of several steps alone, see :meth:`Session.apply_in_turn`."""
    first = shares[0]
    with await first.around():
        entry = await session.apply(first.step, planned, first.events, first.prepared)
    first.events.on_applied(entry)


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
