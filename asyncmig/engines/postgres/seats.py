"""Seats for those who wait: how many may keep their connections, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire

SEATS = 16


class Seats:
    """The seats in front of one lock: advisory locks of sessions, freed with the connection.

    Their two keys of 32 bits never meet the lock's one of 64.

    Args:
        key: The lock's key.
    """

    def __init__(self, key: int) -> None:
        self._row = key % 2**32 - 2**31

    async def take(self, wire: Wire) -> bool:
        """Take the first free seat and no other: rows are filtered one by one, up to the limit."""
        seat = await wire.one(
            f"SELECT seat FROM pg_catalog.generate_series(1, {SEATS}) seat "
            f"WHERE pg_catalog.pg_try_advisory_lock({self._row}, seat) LIMIT 1"
        )
        return seat is not None
