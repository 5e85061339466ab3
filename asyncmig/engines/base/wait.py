"""Wait for another runner, and say who it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from asyncmig.engines.base.session import Session
    from asyncmig.history import History


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, as far as the database tells.

    Attributes:
        description: For people, such as ``asyncmig/1f3a… (pid 4711)``.
        since: Since when it is connected.
    """

    description: str
    since: datetime | None = None


async def _anything(_session: Session) -> None:
    """Find everything in order."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How to wait for another runner.

    Attributes:
        timeout: Seconds to wait at most; ``None`` for as long as the holder lives.
        settled: Asked with the history at each poll: is there nothing left to do? May raise what
            the holder's failure means for this runner.
        on_waiting: Told now and then who is in the way, and for how many seconds so far.
        admit: Asked under the lock, before anything is written, the history table included, which
            may not be there yet. May raise.
    """

    timeout: float | None
    settled: Callable[[History], bool]
    on_waiting: Callable[[Holder | None, float], None]
    admit: Callable[[Session], Awaitable[None]] = _anything
