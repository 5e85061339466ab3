"""Take over the history of another tool, in one transaction that holds its locks, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from asyncmig.engines.base import ForeignLockTakenError
from asyncmig.engines.postgres.foreign import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.base import Adoption
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.history import Generation, HistoryEntry

_UNHURRIED = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"


async def adopt(desk: Desk, adoption: Adoption, planned: Generation) -> tuple[HistoryEntry, ...]:
    """Read the other tool's tables under its locks, and append what they come to.

    The locks are the transaction's: they end with it, on every way out, and behind a pooler, too.
    """
    async with desk.transaction(planned, _UNHURRIED):
        if desk.server.has_advisory_locks:
            await _take(desk, adoption.locks)
        found = [await read_table(desk.wire, reading) for reading in adoption.readings]
        rows = await anyio.to_thread.run_sync(adoption.decide, found)
        if not rows:
            return ()
        first = planned.newest_id + 1
        inserts = (desk.book.adopting(row, at) for at, row in enumerate(rows, start=first))
        await desk.wire.execute("".join(inserts))
        history = await desk.book.read(only_here=True)
    return history.since(planned)


async def _take(desk: Desk, locks: Iterable[int]) -> None:
    """Take the locks, if nobody has them. To wait inside the server could deadlock.

    Raises:
        ForeignLockTakenError: Somebody has one.
    """
    for key in locks:
        taken = await desk.wire.one(f"SELECT pg_catalog.pg_try_advisory_xact_lock({key})")
        if taken != ("t",):
            raise ForeignLockTakenError
