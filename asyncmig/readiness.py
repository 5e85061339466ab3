"""Wait until a database is where the files want it, for those who do not migrate themselves."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import anyio

from asyncmig.engines.locking import pauses
from asyncmig.errors import AsyncmigError, DatabaseUnavailableError, PendingMigrationsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncmig.report import StatusReport

_LONGEST_PAUSE = 2.0
_LEAST_LOOK = 1.0
"""Seconds for a look also when the time is up: else it would tell of nothing."""


async def until_current(
    look: Callable[[], Awaitable[StatusReport]], database: str, timeout: float | None
) -> StatusReport:
    """Look again and again until nothing is pending.

    Args:
        look: Raises while something is pending, or the database cannot be reached.
        database: Its address, for the error.
        timeout: Seconds to wait; ``None`` for as long as it takes.

    Raises:
        PendingMigrationsError: Something is still pending when the time is up.
        DatabaseUnavailableError: The database cannot be reached when the time is up.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    problem: AsyncmigError = DatabaseUnavailableError(
        f"{database} did not answer in {timeout} s", hint="is this its address?"
    )
    for pause in pauses(longest=_LONGEST_PAUSE):
        with anyio.move_on_after(max(deadline - time.monotonic(), _LEAST_LOOK)):
            try:
                return await look()
            except (PendingMigrationsError, DatabaseUnavailableError) as error:
                problem = error
        if (left := deadline - time.monotonic()) <= 0:
            raise problem
        await anyio.sleep(min(pause, left))
    raise AssertionError  # pragma: no cover - pauses() never ends
