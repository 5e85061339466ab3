"""Begin, commit and roll back, with as few messages as each of them allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.errors import ConnectionInUseError

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"
"""Whatever the default is: a stricter one would not see what another runner has just committed."""


def beginning_with(first: str) -> str:
    """Return the statements that begin a transaction with others, each ended."""
    return f"{_BEGIN} {first}"


class Transaction:
    """A transaction in which only we speak.

    Whoever begins one rolls it back when anything fails, the beginning included: what was sent may
    have been done.

    Args:
        wire: The connection.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def begin(self, first: str = "", query: str | None = None) -> list[Row]:
        """Send BEGIN and, in the same message, what comes first.

        Args:
            first: Statements, each ended.
            query: What to ask behind them.

        Returns:
            The rows of the answer.
        """
        return await self._send(beginning_with(first), query)

    async def _send(self, statements: str, query: str | None) -> list[Row]:
        if query is not None:
            return await self._wire.fetch(query, after=statements)
        if statements:
            await self._wire.execute(statements)
        return []

    async def commit(self) -> None:
        """Send COMMIT as a message of its own, and wait for the answer, also when cancelled.

        Raises:
            ServerError: The server refused, and has rolled back.
            ConnectionLostError: The outcome is not known; after a cancellation also because the
                answer did not come in time.
        """
        await self._wire.see_through(self._commit())

    async def _commit(self) -> None:
        await self._wire.execute("COMMIT;")

    async def roll_back(self) -> None:
        """Send ROLLBACK, bounded, also while the task is being cancelled.

        A connection that does not answer is terminated: the server then rolls back by itself.
        """
        if self._wire.is_closed:
            return
        try:
            await self._wire.finish(self._wire.end_transaction())
        except (ServerError, ConnectionLostError, ConnectionInUseError):
            self._wire.terminate()


class NestableTransaction(Transaction):
    """asyncpg's own: the ``transaction()`` of whoever gets the connection nests as a savepoint."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        with wire.own_words():
            self._transaction = wire.raw.transaction(isolation="read_committed")

    async def begin(self, first: str = "", query: str | None = None) -> list[Row]:
        """Let asyncpg send BEGIN, and then what comes first."""
        with self._wire.own_words():
            await self._transaction.start()
        return await self._send(first, query)

    async def _commit(self) -> None:
        with self._wire.own_words():
            await self._transaction.commit()
