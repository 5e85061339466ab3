"""What every kind of lock can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from asyncmig.engines.base import Holder
    from asyncmig.engines.postgres.connection import Wire


class Lock(Protocol):
    """The lock of one history table. Nothing here waits inside the server."""

    @property
    def outlives_transactions(self) -> bool:
        """Whether it is held from one transaction to the next.

        If not, runners take turns, and what must not run in a transaction cannot be kept alone.
        """
        ...

    async def take(self, wire: Wire) -> bool:
        """Take it, if nobody else has it."""
        ...

    @property
    def fence(self) -> str:
        """SQL that is true once it is taken for the transaction it runs in: the only one then."""
        ...

    async def is_held(self, wire: Wire) -> bool:
        """Tell whether we still have it, between two transactions."""
        ...

    async def release(self, wire: Wire) -> None:
        """Give it back, if we have it."""
        ...

    async def holder(self, wire: Wire) -> Holder | None:
        """Tell who has it, ``None`` when that cannot be told."""
        ...
