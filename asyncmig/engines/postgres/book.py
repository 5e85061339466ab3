"""Read and write the history table through one connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.rows import entry_from, progress_text, values_of
from asyncmig.errors import HistoryElsewhereError, HistoryFormatError
from asyncmig.history import Generation, History, RowState

if TYPE_CHECKING:
    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.history import Edit, HistoryEntry, NewRow, Progress

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

    async def read(self, *, only_here: bool) -> History:
        """Read every row.

        Args:
            only_here: The schema was chosen by the caller, so that a history in another one is
                somebody else's.

        Raises:
            HistoryElsewhereError: There is none here, but there is one in another schema.
            HistoryFormatError: This release does not know the table's format.
        """
        try:
            rows = await self._wire.fetch(self._table.select)
        except ServerError as error:
            if error.sqlstate == UNDEFINED_COLUMN:
                message = f"{self._table.qualified} is no history that this release knows"
                hint = "upgrade asyncmig, or choose another table with --table"
                raise HistoryFormatError(message, hint=hint) from error
            if error.sqlstate not in UNDEFINED_TABLE:
                raise
        else:
            return History(tuple(entry_from(row) for row in rows))
        if not only_here:
            await self._refuse_elsewhere()
        return History(exists=False)

    async def _refuse_elsewhere(self) -> None:
        table = self._table
        rows = await self._wire.fetch(table.elsewhere, table.name, table.schema)
        if found := [str(row["place"]) for row in rows]:
            raise HistoryElsewhereError(expected=f"{table.schema}.{table.name}", found=found)

    async def entry(self, entry_id: int) -> HistoryEntry | None:
        """Read one row, ``None`` when there is none."""
        row = await self._wire.one(self._table.select_one(), str(entry_id))
        return None if row is None else entry_from(row)

    async def check(self, planned: Generation) -> None:
        """Compare the history with the one that was planned from, inside a transaction.

        Raises:
            HistoryMovedError: It is another one.
        """
        row = await self._wire.one(self._table.generation)
        if row is None or Generation(int(row["newest_id"]), int(row["unfinished"])) != planned:
            raise HistoryMovedError

    async def append(self, row: NewRow, entry_id: int) -> str:
        """Append a row, and return the id of the transaction that does it."""
        values = values_of(row, self._runner)
        texts = [None if value is None else str(value) for value in values.values()]
        answer = await self._wire.one(self._table.insert(tuple(values)), str(entry_id), *texts)
        return str(answer["xid"]) if answer else ""

    async def begin(self, edit: Edit, entry_id: int) -> str:
        """Append the row of an edit as ``applying``, before any side effect of the migration.

        A premature COMMIT then leaves a trace. What a repeatable supersedes goes first, because
        of the unique index; what a reversal reverts stays until the end.
        """
        if edit.retires is not None and edit.retired_as is RowState.SUPERSEDED:
            await self._retire(edit)
        return await self.append(replace(edit.row, state=RowState.APPLYING), entry_id)

    async def finish(self, edit: Edit, entry_id: int, duration_ms: int) -> None:
        """Set the row of an edit to its final state."""
        if edit.retires is not None and edit.retired_as is RowState.REVERTED:
            await self._retire(edit)
        await self.conclude(edit.row.state, entry_id, duration_ms)

    async def conclude(self, state: RowState, entry_id: int, duration_ms: int) -> None:
        """Give a row its final state and its end."""
        await self._wire.fetch(self._table.finish, str(entry_id), state.value, str(duration_ms))

    async def write(self, edit: Edit, entry_id: int) -> None:
        """Make an edit of the history alone, all at once."""
        if edit.retires is not None:
            await self._retire(edit)
        await self.append(edit.row, entry_id)
        await self.conclude(edit.row.state, entry_id, 0)

    async def note(self, entry_id: int, progress: Progress) -> None:
        """Write down how far a migration without a transaction got."""
        await self._wire.fetch(self._table.progress, str(entry_id), progress_text(progress))

    async def create(self) -> None:
        """Create the table, and its schema if there is none; inside a transaction."""
        schema = await self._wire.one(
            "SELECT 'yes' AS there FROM pg_catalog.pg_namespace WHERE nspname = $1::text::name",
            self._table.schema,
        )
        if schema is None:
            await self._wire.execute(f"CREATE SCHEMA {self._table.quoted_schema}")
        await self._wire.execute(self._table.create)

    async def exists(self) -> bool:
        """Tell whether the table is there."""
        row = await self._wire.one(
            "SELECT pg_catalog.to_regclass($1::text)::text AS place", self._table.qualified
        )
        return row is not None and row["place"] is not None

    async def _retire(self, edit: Edit) -> None:
        await self._wire.fetch(self._table.retire, str(edit.retires), edit.retired_as.value)
