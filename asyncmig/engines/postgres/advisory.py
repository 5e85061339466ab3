"""The advisory lock: for the session where we have the server to ourselves, else per transaction.

See PostgreSQL manual, "Advisory Locks".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from asyncmig.engines.base import Holder

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire


class AdvisoryLock:
    """One advisory lock, by its 64-bit key.

    Args:
        key: A hash of the history table's schema and name.
    """

    def __init__(self, key: int) -> None:
        self._key = key

    async def take(self, wire: Wire) -> bool:
        """Take it for the session, if nobody else has it. Never waits inside the server."""
        return await self._ask(wire, "pg_try_advisory_lock")

    async def fence(self, wire: Wire) -> bool:
        """Take it for this transaction, which is granted to the session that has it already.

        So whatever became of the session's lock, a transaction that gets this is the only one.
        """
        return await self._ask(wire, "pg_try_advisory_xact_lock")

    async def is_held(self, wire: Wire) -> bool:
        """Tell whether this very session has it."""
        row = await wire.one(
            f"SELECT 'yes' AS held {self._granted} AND l.pid = pg_catalog.pg_backend_pid()"
        )
        return row is not None

    async def release(self, wire: Wire) -> None:
        """Give the session's lock back."""
        await wire.execute(f"SELECT pg_catalog.pg_advisory_unlock({self._key})")

    async def holder(self, wire: Wire) -> Holder | None:
        """Tell who has it, as far as this role may see."""
        row = await wire.one(
            "SELECT a.pid::text AS pid, a.application_name::text AS name, "
            "a.backend_start::text AS since "
            "FROM (SELECT l.pid " + self._granted + ") h "
            "JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid LIMIT 1"
        )
        if row is None:
            return None
        since = None if row["since"] is None else datetime.fromisoformat(str(row["since"]))
        return Holder(f"{row['name'] or 'a session'} (pid {row['pid']})", since)

    async def _ask(self, wire: Wire, function: str) -> bool:
        row = await wire.one(f"SELECT pg_catalog.{function}({self._key})::int::text AS granted")
        return row is not None and row["granted"] == "1"

    @property
    def _granted(self) -> str:
        """The granted locks of this key: pg_locks shows its halves as classid and objid."""
        unsigned = self._key % 2**64
        return (
            "FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted "
            f"AND l.classid = {unsigned >> 32}::oid AND l.objid = {unsigned % 2**32}::oid "
            "AND l.objsubid = 1 AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d "
            "WHERE d.datname = pg_catalog.current_database())"
        )
