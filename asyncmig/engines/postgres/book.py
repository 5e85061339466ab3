"""Read and write the history table through one connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.rows import COLUMNS, entry_from, progress_text, values_of
from asyncmig.errors import DatabaseAccessError, HistoryElsewhereError, HistoryFormatError
from asyncmig.history import Generation, History, RowState

if TYPE_CHECKING:
    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.history import Edit, HistoryEntry, NewRow, Progress
    from asyncmig.plan import Step

UNDEFINED_TABLE = ("42P01", "3F000")
UNDEFINED_COLUMN = "42703"


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
        rows = await self._rows()
        if rows is not None:
            return History(tuple(map(_entry, rows)))
        if not only_here:
            await self._refuse_elsewhere()
        return History(exists=False)

    async def _rows(self) -> list[Row] | None:
        """Return every row, ``None`` when there is no table."""
        if self._wire.may_be_superuser and not self._wire.owner_is_trusted:
            if not await self._has_trusted_owner():
                return None  # not looked for again: somebody may have made one by now
            self._wire.owner_is_trusted = True
        try:
            return await self._wire.fetch(self._table.select())
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
        row = await self._wire.one(self._table.select(entry_id))
        return None if row is None else _entry(row)

    async def check(self, planned: Generation) -> None:
        """Compare the history with the one that was planned from, inside a transaction.

        Raises:
            HistoryMovedError: It is another one.
        """
        row = await self._wire.one(self._table.generation)
        if row != (str(planned.newest_id), str(planned.unfinished)):
            raise HistoryMovedError

    async def rights(self) -> tuple[bool, bool] | None:
        """Tell whether this role may read and may write the table; ``None`` without a table."""
        row = await self._wire.one(self._table.rights)
        if row is None:
            return None
        read, insert, update = (right == "t" for right in row)
        return read, insert and update

    # --- writing ------------------------------------------------------------------------------

    async def begin(self, step: Step, entry_id: int, progress: Progress | None = None) -> None:
        """Write the row of a step as ``applying``, before any side effect of the migration.

        A premature COMMIT then leaves a trace. What a repeatable supersedes goes first, because
        of the unique index; what a reversal reverts stays until the end. The row of an unfinished
        run is taken over: the file may have been corrected since.
        """
        edit = step.edit()
        row = replace(edit.row, state=RowState.APPLYING, progress=progress)
        if step.resumes is not None:
            values = values_of(row, self._runner)
            await self._wire.execute(self._table.take_over(entry_id, values))
            return
        if edit.retired_as is RowState.SUPERSEDED:
            await self._retire(edit)
        await self.append(row, entry_id)

    async def append(self, row: NewRow, entry_id: int) -> None:
        """Append a row."""
        await self._wire.execute(self._table.insert(entry_id, values_of(row, self._runner)))

    async def finish(self, step: Step, entry_id: int, duration_ms: int) -> None:
        """Set the row of a step to its final state."""
        edit = step.edit()
        if edit.retired_as is RowState.REVERTED:
            await self._retire(edit)
        await self.conclude(edit.row.state, entry_id, duration_ms)

    async def conclude(self, state: RowState, entry_id: int, duration_ms: int = 0) -> None:
        """Give a row its final state and its end."""
        await self._wire.execute(self._table.finish(entry_id, state, duration_ms))

    async def write(self, edit: Edit, entry_id: int) -> None:
        """Make an edit of the history alone, all at once."""
        await self._retire(edit)
        await self.append(edit.row, entry_id)
        await self.conclude(edit.row.state, entry_id)

    async def note(self, entry_id: int, progress: Progress) -> None:
        """Write down how far a migration without a transaction got."""
        await self._wire.execute(self._table.note(entry_id, progress_text(progress)))

    async def create(self) -> None:
        """Create the table, and its schema if there is none; inside a transaction."""
        if await self._wire.one(self._table.find_schema) is None:
            await self._wire.execute(f"CREATE SCHEMA {self._table.quoted_schema}")
        await self._wire.execute(self._table.create)

    async def _retire(self, edit: Edit) -> None:
        if edit.retires is not None:
            await self._wire.execute(self._table.retire(edit.retires, edit.retired_as))


def _entry(row: Row) -> HistoryEntry:
    return entry_from(dict(zip(COLUMNS, row, strict=True)))
