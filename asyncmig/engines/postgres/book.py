"""Read and write the history table through one connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.postgres import bookkeeping
from asyncmig.engines.postgres.bookkeeping import SINCE_STARTED
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.copied import rows_of
from asyncmig.engines.postgres.guards import Guard, guard_of, only_if, unless
from asyncmig.engines.postgres.table import AS_ISO, ITS_OWN, PLAIN
from asyncmig.engines.rows import COLUMNS, entry_from, finished_entry, instant_of, progress_text
from asyncmig.errors import DatabaseAccessError, HistoryElsewhereError, HistoryFormatError
from asyncmig.glance import PARTICULARS, in_force

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.glance import InForce
    from asyncmig.history import Edit, History, HistoryEntry, NewRow, Progress
    from asyncmig.plan import Step

T = TypeVar("T")

UNDEFINED_TABLE = ("42P01", "3F000")
UNDEFINED_COLUMN = "42703"
_NOT_COPIED = ("42809", "0A000")
"""What COPY says of a view, and of a table that it cannot read."""


class Book:
    """The history table, as one connection sees it.

    Args:
        wire: The connection.
        table: Where the table is.
        runner: Who writes.
    """

    def __init__(self, wire: Wire, table: HistoryTable, runner: Runner) -> None:
        self._wire = wire
        self._table = table
        self._runner = runner

    # --- reading ------------------------------------------------------------------------------

    async def read(self, *, only_here: bool) -> History:
        """Read every row.

        Args:
            only_here: The schema was chosen by the caller, so that a history in another one is
                somebody else's.

        Raises:
            HistoryElsewhereError: There is none here, but there is one in another schema.
            HistoryFormatError: This release does not know the table's format.
            DatabaseAccessError: It belongs to somebody whom a superuser must not trust.
        """
        from asyncmig.history import History

        copied = await self._copied(self._table.select())
        if copied is not None:
            return await asyncio.to_thread(_history_of, copied)
        if not only_here:
            await self._refuse_elsewhere()
        return History(exists=False)

    async def is_at_the_end_of(self, known: History) -> bool:
        """Tell whether the history is as it was when it was read.

        Raises:
            HistoryFormatError: This release does not know the table's format.
            DatabaseAccessError: It belongs to somebody whom a superuser must not trust.
        """
        if not known.entries:
            return False
        copied = await self._copied(self._table.select_since(known.entries[-1].id))
        return copied is not None and known.ends_with(map(entry_of, rows_of(copied)))

    async def glance(self) -> InForce | None:
        """Read of the history only what is in force.

        Returns:
            ``None`` when there is no table, or it takes a closer look.
        """
        try:
            traces = await self._traces()
        except ServerError as error:
            if error.sqlstate in _NOT_COPIED:
                return None
            raise
        return None if traces is None else in_force(traces)

    async def _traces(self) -> Iterable[Row] | None:
        if self._must_ask_for_owner and not self._wire.lent:
            return await self._traces_for_superuser()
        return await self._seen() if await self._may_use() else None

    async def _traces_for_superuser(self) -> Iterable[Row] | None:
        """Ask in the same message whether the table's owner is plainly to be trusted."""
        try:
            rows = await self._seen(after=unless(self._table.has_plain_owner, Guard.OWNER))
        except ServerError as error:
            if guard_of(error) is not Guard.OWNER:
                raise
            return await self._seen() if await self._may_use() else None
        self._wire.owner_is_trusted = rows is not None
        return rows

    async def _seen(self, after: str = "") -> Iterable[Row] | None:
        copied = await self._found(self._wire.copied(self._table.glance, after=after))
        return None if copied is None else rows_of(copied, apart=len(PARTICULARS))

    async def _copied(self, query: str) -> bytearray | None:
        """Return what a query finds in the table, ``None`` when there is no table."""
        if not await self._may_use():
            return None
        return await self._found(self._wire.copied(f"({query})"))

    @property
    def _must_ask_for_owner(self) -> bool:
        return self._wire.may_be_superuser and not self._wire.owner_is_trusted

    async def _may_use(self) -> bool:
        """Tell whether the table is there, if we had to look at all.

        When it was not, it is not looked for again: somebody may have made one by now.

        Raises:
            DatabaseAccessError: It belongs to somebody whom a superuser must not trust.
        """
        if self._must_ask_for_owner:
            self._wire.owner_is_trusted = await self._has_trusted_owner()
            return self._wire.owner_is_trusted
        return True

    async def _found(self, reading: Awaitable[T]) -> T | None:
        """Return what is read of the table, ``None`` when there is no table."""
        try:
            return await reading
        except ServerError as error:
            if error.sqlstate == UNDEFINED_COLUMN:
                message = f"{self._table.qualified} is no history that this release knows"
                hint = "upgrade asyncmig, or choose another table with --table"
                raise HistoryFormatError(message, hint=hint) from error
            if error.sqlstate not in UNDEFINED_TABLE:
                raise
            return None

    async def _has_trusted_owner(self) -> bool:
        """Tell whether there is a table, which can then not be replaced by a stranger's.

        Raises:
            DatabaseAccessError: A superuser would run the code of somebody who is none.
        """
        row = await self._wire.one(self._table.owner)
        if row is None:
            return False
        owner, is_stranger = row
        if is_stranger == "t":
            table = self._table.qualified
            raise DatabaseAccessError(
                f"the history table {table} belongs to {owner}, whose code a superuser would run "
                "by using it",
                hint=f"migrate as {owner}; or look at the table, and if all is well, give it to "
                f"the owner of the database: ALTER TABLE {table} OWNER TO …",
            )
        return True

    async def _refuse_elsewhere(self) -> None:
        table = self._table
        if rows := await self._wire.fetch(table.elsewhere):
            found = [f"{schema}.{name}" for schema, name in rows]
            raise HistoryElsewhereError(expected=f"{table.schema}.{table.name}", found=found)

    async def entry(self, entry_id: int) -> HistoryEntry | None:
        """Read one row, ``None`` when there is none."""
        row = await self._wire.one(self.row(entry_id))
        return None if row is None else entry_of(row)

    async def rights(self) -> tuple[bool, bool] | None:
        """Tell whether this role may read and may write the table; ``None`` without a table."""
        row = await self._wire.one(self._table.rights)
        if row is None:
            return None
        read, insert, update = (right == "t" for right in row)
        return read, insert and update

    # --- what goes into a message with something else: statements, each ended, and queries -------

    def row(self, entry_id: int) -> str:
        """Return the query for a row, see :func:`entry_of`."""
        return self._table.select(entry_id)

    def opening(self, step: Step, entry_id: int, progress: Progress | None = None) -> str:
        """Write the row of a step as ``applying``."""
        return _ended(bookkeeping.opening(self._table, self._runner, step, entry_id, progress))

    def fenced_opening(self, step: Step, entry_id: int, fence: str) -> str:
        """Do so for a new row, if the fence can be taken: an order less than a guard in front."""
        fenced_id = only_if(fence, Guard.FENCE, entry_id)
        return _ended(
            bookkeeping.opening(
                self._table, self._runner, step, entry_id, None, fenced_id=fenced_id
            )
        )

    def closing(self, step: Step, entry_id: int, duration_ms: str) -> tuple[str, str]:
        """Set the row of a step to its final state; the duration is SQL.

        Returns:
            What comes first, and the query that does it and returns the row, see :func:`entry_of`.
        """
        *first, finish = bookkeeping.closing(self._table, step, entry_id, duration_ms)
        return f"{_ended(first)}{AS_ISO}", f"{finish} RETURNING {PLAIN}"

    def finishing(self, step: Step, entry_id: int) -> tuple[str, str]:
        """Do so for a step that has just run, of whose row the server need not give all back.

        Returns:
            What comes first, and the query that does it, see :meth:`finished`.
        """
        *first, finish = bookkeeping.closing(self._table, step, entry_id, SINCE_STARTED)
        return f"{_ended(first)}{AS_ISO}", f"{finish} RETURNING {ITS_OWN}"

    def finished(self, step: Step, entry_id: int, row: Row) -> HistoryEntry:
        """Return the entry of a step that :meth:`finishing` was asked about."""
        started_at, finished_at, duration_ms, user = map(str, row)
        return finished_entry(
            entry_id,
            step.edit().row,
            self._runner,
            started_at=instant_of(started_at),
            finished_at=instant_of(finished_at),
            duration_ms=int(duration_ms),
            user=user,
        )

    def editing(self, edit: Edit, entry_id: int) -> str:
        """Make an edit of the history alone, all at once."""
        return _ended(bookkeeping.editing(self._table, self._runner, edit, entry_id))

    def appending(self, row: NewRow, entry_id: int) -> str:
        """Append a row that is finished at once."""
        return _ended(bookkeeping.appending(self._table, self._runner, row, entry_id))

    def adopting(self, row: NewRow, entry_id: int) -> str:
        """Append a row for what another tool has done."""
        return _ended([bookkeeping.adopting(self._table, self._runner, row, entry_id)])

    def note(self, entry_id: int, progress: Progress) -> str:
        """Write down how far a migration got that commits more than once."""
        return _ended([self._table.note(entry_id, progress_text(progress))])

    def doubt(self, entry_id: int) -> str:
        """Write down that nobody can tell how far it got, should this be committed as it is."""
        return _ended([self._table.note(entry_id, None)])

    # --- making -------------------------------------------------------------------------------

    async def create(self) -> None:
        """Create the table, and its schema if there is none; inside a transaction."""
        if await self._wire.one(self._table.find_schema) is None:
            await self._wire.execute(f"CREATE SCHEMA {self._table.quoted_schema}")
        await self._wire.execute(self._table.create)


def entry_of(row: Row) -> HistoryEntry:
    """Return the entry that a row of the table stands for."""
    return entry_from(dict(zip(COLUMNS, row, strict=True)))


def _ended(statements: list[str]) -> str:
    return "".join(f"{statement}; " for statement in statements)


def _history_of(copied: bytearray) -> History:
    """Return the history that was read; with thousands of rows that takes a while."""
    from asyncmig.breathing import breathing
    from asyncmig.history import History

    return History(tuple(map(entry_of, breathing(rows_of(copied)))))
