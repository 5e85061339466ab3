"""Find out what became of a COMMIT that was sent and not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.base import Wait
from asyncmig.engines.postgres.refusals import readable
from asyncmig.engines.postgres.settings import IDLE_SECONDS
from asyncmig.engines.postgres.waiting import wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.history import HistoryEntry


async def is_committed(desk: Desk, entries: Sequence[HistoryEntry]) -> bool:
    """Look, through a new connection, whether the rows are there as they should be.

    The lock is taken first: until it is free, the old connection's COMMIT may still come true.
    """
    assert desk.wait is not None  # noqa: S101 - only a holder of the lock comes here
    as_long_as_it_lives = Wait(IDLE_SECONDS, lambda _: False, desk.wait.on_waiting)
    with readable():
        await desk.close()
        await wait_for_lock(desk, as_long_as_it_lives)
        return [await desk.book.entry(entry.id) for entry in entries] == list(entries)
