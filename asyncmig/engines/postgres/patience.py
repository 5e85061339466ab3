"""Try again what had to wait for a lock for too long.

The whole transaction is rolled back in between: a savepoint would keep the locks that were taken
before, and everybody who wants one of those would go on waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio

from asyncmig.blocker import list_of
from asyncmig.engines.locking import pauses
from asyncmig.engines.statements import reworded
from asyncmig.errors import MigrationFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncmig.blocker import Blocker
    from asyncmig.engines.base import StepEvents

T = TypeVar("T")

_BLOCKED = ("55P03", "40P01")
"""lock_not_available and deadlock_detected: worth another try of the whole transaction."""

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
"""Seconds, and up to half as much again by the jitter: below ``IDLE_SECONDS``."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something may be tried, and who is told.

    Attributes:
        events: Told of each try that another one follows.
        attempts: How many there are at most.
    """

    events: StepEvents
    attempts: int


async def patiently(once: Callable[[], Awaitable[T]], events: StepEvents, *, attempts: int) -> T:
    """Do ``once`` with a patience that is known before, see :func:`as_patiently`."""
    patience = Patience(events, attempts)
    return await as_patiently(once, lambda: patience)


async def as_patiently(once: Callable[[], Awaitable[T]], asked: Callable[[], Patience]) -> T:
    """Do ``once``, and do it again after a pause whenever a lock was in the way.

    Every try is like the first: none waits for as long as it takes, the last one neither.

    Args:
        once: One try.
        asked: Says, after a try that failed, how much patience there is.

    Raises:
        MigrationFailedError: It failed for another reason, or once too often.
    """
    for attempt, delay in enumerate(pauses(_FIRST_DELAY, _LONGEST_DELAY), start=1):
        try:
            return await once()
        except MigrationFailedError as error:
            if error.sqlstate not in _BLOCKED:
                raise
            patience = asked()
            if attempt >= patience.attempts:
                raise _given_up(error, attempt) from error.__cause__
            patience.events.on_retrying(attempt, delay, error.message, error.blockers)
        await anyio.sleep(delay)
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _given_up(error: MigrationFailedError, attempts: int) -> MigrationFailedError:
    tried = "once" if attempts == 1 else f"{attempts} times"
    return reworded(
        error,
        f"{error.message} (tried {tried})",
        f"{in_the_way(error.blockers)}; or let it wait longer with --lock-timeout, or try more "
        "often with --retries (a Python file says `retry = True`)",
    )


def in_the_way(blockers: tuple[Blocker, ...]) -> str:
    """Return what to do about those who hold the lock, or how to find them."""
    if not blockers:
        return "somebody holds a lock on it: look for old transactions in pg_stat_activity"
    return f"in the way is {list_of(blockers)}; end that session"
