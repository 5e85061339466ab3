"""The advisory lock: for the session where we have the server to ourselves, else per transaction.

See PostgreSQL manual, "Advisory Locks".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import EQUALS, instant
from asyncmig.engines.postgres.transaction import Transaction

if TYPE_CHECKING:
    from asyncmig.engines.base import Holder
    from asyncmig.engines.postgres.connection import Wire


class AdvisoryLock:
    """One advisory lock of a session, by its 64-bit key.

    Args:
        key: A hash of the history table's schema and name.
    """

    outlives_transactions = True

    def __init__(self, key: int) -> None:
        self._key = key

    async def take(self, wire: Wire) -> bool:
        """Take it for the session, if nobody else has it. Never waits inside the server."""
        return await wire.one(f"SELECT pg_catalog.pg_try_advisory_lock({self._key})") == ("t",)

    @property
    def fence(self) -> str:
        """Take it for the transaction, which is granted to the session that has it already.

        So whatever became of the session's lock, a transaction that gets this is the only one.
        """
        return f"pg_catalog.pg_try_advisory_xact_lock({self._key})"

    async def is_held(self, wire: Wire) -> bool:
        """Tell whether this very session has it."""
        return await wire.one(f"SELECT 1 {self._own}") is not None

    async def release(self, wire: Wire) -> None:
        """Give the session's lock back, if it has it."""
        if not wire.is_usable:
            return
        await wire.execute(f"SELECT pg_catalog.pg_advisory_unlock({self._key}) {self._own}")

    async def holder(self, wire: Wire) -> Holder | None:
        """Tell who has it, as far as this role may see."""
        row = await wire.one(
            f"SELECT a.pid, a.application_name, {instant('a.backend_start')} "
            f"FROM (SELECT l.pid {self._granted}) h "
            f"JOIN pg_catalog.pg_stat_activity a ON a.pid {EQUALS} h.pid LIMIT 1"
        )
        if row is None:
            return None
        from asyncmig.engines.base import Holder

        pid, name, since = row
        started = None if since is None else datetime.fromisoformat(since)
        return Holder(f"{name or 'a session'} (pid {pid})", started)

    @property
    def _own(self) -> str:
        """The lock of this key, if this very session has it."""
        return f"{self._granted} AND l.pid {EQUALS} pg_catalog.pg_backend_pid()"

    @property
    def _granted(self) -> str:
        """The granted locks of this key: pg_locks shows its halves as classid and objid."""
        unsigned = self._key % 2**64
        return (
            f"FROM pg_catalog.pg_locks l WHERE l.locktype {EQUALS} 'advisory' AND l.granted "
            f"AND l.classid {EQUALS} {unsigned >> 32}::pg_catalog.oid "
            f"AND l.objid {EQUALS} {unsigned % 2**32}::pg_catalog.oid AND l.objsubid {EQUALS} 1 "
            f"AND l.database {EQUALS} (SELECT d.oid FROM pg_catalog.pg_database d "
            f"WHERE d.datname {EQUALS} pg_catalog.current_database())"
        )


class TransactionLock(AdvisoryLock):
    """The same lock where sessions are shared, behind a pooler: each transaction takes it anew.

    A session's lock would stay with the pooler's connection, or be granted to two clients of it
    (PgBouncer #102, atlas #2447).
    """

    outlives_transactions = False

    async def take(self, wire: Wire) -> bool:
        """Tell whether nobody is in a transaction of theirs just now."""
        transaction = Transaction(wire)
        try:
            return await transaction.begin(query=f"SELECT {self.fence}") == [("t",)]
        finally:
            await transaction.roll_back()

    async def is_held(self, wire: Wire) -> bool:  # noqa: ARG002 - nobody ever has it
        """Return ``False``: between two transactions nobody has it."""
        return False

    async def release(self, wire: Wire) -> None:
        """Do nothing: it ended with the transaction."""
