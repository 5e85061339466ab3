"""The lock for servers without advisory locks: rows of a small table, locked in transactions.

A row says nothing by being there, so none outlives its runner and nobody has to free one by hand:
what counts is the lock on it, which ends with the transaction of whoever died. The rows are made
once. One is held for a whole run, by a connection that does nothing else; the other is the fence
of each transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.refusals import INSUFFICIENT_PRIVILEGE, no_create
from asyncmig.engines.postgres.settings import UNWATCHED
from asyncmig.engines.postgres.table import EQUALS, instant, literal
from asyncmig.engines.postgres.transaction import Transaction

if TYPE_CHECKING:
    from asyncmig.engines.base import Holder, Runner
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.sources import Source
    from asyncmig.engines.postgres.table import HistoryTable

_RUN, _FENCE = 1, 2
"""The rows."""

_LOCKED = "55P03"
_NO_TABLE = ("42P01", "3F000")
_ANOTHER_WAS_FASTER = ("23505", "42P07", "42710", "42P06", "40001")
"""unique_violation, duplicate_table, duplicate_object (its type), duplicate_schema, and
serialization_failure (CockroachDB)."""


class RowLock:
    """The lock where there is no connection to hold it: each transaction takes it for itself.

    Args:
        table: The history table, beside which the rows are.
    """

    outlives_transactions = False

    def __init__(self, table: HistoryTable) -> None:
        self._table = table
        self._rows = table.of_locks

    async def take(self, wire: Wire) -> bool:
        """Tell whether nobody holds the run or is in a transaction of theirs just now."""
        return await self._is_free(wire, _RUN) and await self._is_free(wire, _FENCE)

    @property
    def fence(self) -> str:
        """Take the row of the fence for the transaction, unless another one has it.

        SKIP LOCKED answers where NOWAIT would raise what a ``lock_timeout`` raises too.
        """
        return f"EXISTS ({self._row(_FENCE)} FOR UPDATE SKIP LOCKED)"

    async def is_held(self, wire: Wire) -> bool:  # noqa: ARG002 - nobody ever has it
        """Return ``False``: between two transactions nobody has it."""
        return False

    async def release(self, wire: Wire) -> None:
        """Do nothing: it ended with the transaction."""

    async def holder(self, wire: Wire) -> Holder | None:
        """Tell who holds the row of a run, or held it last."""
        row = await wire.one(
            f"SELECT holder, {instant('since')} FROM {self._rows} WHERE id {EQUALS} {_RUN}"
        )
        if row is None or row[0] is None:
            return None
        from asyncmig.engines.base import Holder

        return Holder(row[0], None if row[1] is None else datetime.fromisoformat(row[1]))

    async def _is_free(self, wire: Wire, row: int) -> bool:
        """Lock a row in a transaction of its own, and let go of it at once."""
        while True:
            transaction = Transaction(wire)
            try:
                return await self._begun(transaction, row)
            except ServerError as error:
                if error.sqlstate not in _NO_TABLE:
                    raise
            finally:
                await transaction.roll_back()
            await self._make(wire)

    def _row(self, row: int) -> str:
        return f"SELECT 1 FROM {self._rows} WHERE id {EQUALS} {row}"

    async def _begun(self, transaction: Transaction, row: int) -> bool:
        """Begin a transaction that has the row, unless another runner was faster."""
        try:
            found = await transaction.begin(query=f"{self._row(row)} FOR UPDATE NOWAIT")
        except ServerError as error:
            if error.sqlstate == _LOCKED:
                return False
            raise
        return bool(found)

    async def _make(self, wire: Wire) -> None:
        """Make the table with its rows, all at once, unless another runner has just done so."""
        has_schema = await wire.one(self._table.find_schema) is not None
        schema = "" if has_schema else f"CREATE SCHEMA {self._table.quoted_schema}; "
        try:
            await wire.execute(
                f"{schema}CREATE TABLE {self._rows} (id smallint PRIMARY KEY, "
                "holder pg_catalog.text, since pg_catalog.timestamptz); "
                f"INSERT INTO {self._rows} (id) VALUES ({_RUN}), ({_FENCE})"
            )
        except ServerError as error:
            if error.sqlstate == INSUFFICIENT_PRIVILEGE:
                raise no_create(self._table, error) from error
            if error.sqlstate not in _ANOTHER_WAS_FASTER:
                raise


class KeptRowLock(RowLock):
    """The lock of a run, held by a second connection of our own.

    Only that one idles in a transaction. It has spoken the simple protocol alone, so it pins no
    snapshot and ``CREATE INDEX CONCURRENTLY`` does not wait for it.

    Args:
        table: The history table, beside which the rows are.
        source: Gives the second connection.
        runner: Who holds the lock, for those who wait.
    """

    outlives_transactions = True

    def __init__(self, table: HistoryTable, source: Source, runner: Runner) -> None:
        super().__init__(table)
        self._source = source
        self._runner = runner
        self._keeper: Wire | None = None

    async def take(self, wire: Wire) -> bool:
        """Take the row of a run, if nobody else has it or is still in a last transaction.

        The fence comes second: whoever looks whether it is free keeps others out for a moment.
        """
        await self.release(wire)
        if not await self._is_free(wire, _RUN):
            return False
        self._keeper = await self._source.open(self._runner)
        await self._keeper.execute(UNWATCHED)
        is_ours = await self._sign(self._keeper) and await self._keep(self._keeper)
        if is_ours and await self._is_free(wire, _FENCE):
            return True
        await self.release(wire)
        return False

    async def is_held(self, wire: Wire) -> bool:  # noqa: ARG002 - it is not this one that holds it
        """Tell whether the second connection is alive, and with it our transaction."""
        if self._keeper is None or not self._keeper.is_in_transaction:
            return False
        try:
            await self._keeper.execute("SELECT 1")
        except (ConnectionLostError, ServerError):
            return False
        return True

    async def release(self, wire: Wire) -> None:  # noqa: ARG002 - it is not this one that holds it
        """Close the second connection."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await self._source.close(keeper)

    async def _sign(self, keeper: Wire) -> bool:
        """Write who we are for those who wait: what a transaction writes is seen after COMMIT."""
        runner = self._runner
        name = literal(f"asyncmig/{runner.run_id} (pid {runner.pid} on {runner.host})")
        transaction = Transaction(keeper)
        if not await self._begun(transaction, _RUN):
            return False
        await keeper.execute(
            f"UPDATE {self._rows} SET holder = {name}, since = pg_catalog.clock_timestamp() "
            f"WHERE id {EQUALS} {_RUN}"
        )
        await transaction.commit()
        return True

    async def _keep(self, keeper: Wire) -> bool:
        return await self._begun(Transaction(keeper), _RUN)
