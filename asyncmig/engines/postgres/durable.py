"""Commit without waiting for the disk, and have the disk catch up.

A server that crashes loses the last of such commits, from the end and each as a whole: the log is
written in the order of the commits (PostgreSQL manual, "Asynchronous Commit").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.book import entry_of
from asyncmig.engines.postgres.connection import ConnectionLostError
from asyncmig.engines.postgres.transaction import Transaction

if TYPE_CHECKING:
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.history import HistoryEntry

WITHOUT_WAITING = "SET LOCAL synchronous_commit = off;"
"""Behind whatever resets the settings: what counts is how it stands at COMMIT."""


async def flush(desk: Desk) -> None:
    """Commit something that the disk, and a synchronous standby, must hold: all before it is there.

    The desk may have another connection by now, to a server that has crashed since.

    Raises:
        HistoryMovedError: The newest row is not there any more. What is there was recovered, from
            the disk, so it needs no other flush.
        ConnectionLostError: There is no connection to do it with.
    """
    newest = desk.unflushed
    if newest is None:
        return
    if not desk.is_open:
        raise ConnectionLostError("the connection is closed")
    try:
        await desk.wire.see_through(_flush(desk, newest))
    except HistoryMovedError:
        desk.unflushed = None
        raise
    desk.unflushed = None


async def _flush(desk: Desk, newest: HistoryEntry) -> None:
    """Lock the row: a transaction that has written nothing to the log would not wait for it.

    Without the fence: nothing is changed, and through a pooler another runner may be in its turn,
    and may even have retired the row by now. It is known by the run that has written it.
    """
    transaction = Transaction(desk.wire)
    lock = desk.table.touch(newest.id)
    first = f"SET LOCAL statement_timeout = 0; {desk.ourselves} {lock};"
    try:
        found = await transaction.begin(first, desk.book.row(newest.id))
    except BaseException:
        await transaction.roll_back()
        raise
    await transaction.commit()
    if [newest.run_id] != [entry_of(row).run_id for row in found]:
        raise HistoryMovedError
