"""The time limits of a statement that cannot run in a transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.patience import in_the_way
from asyncmig.engines.postgres.settings import milliseconds
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.engines.statements import reworded
from asyncmig.errors import MigrationFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.limits import StepLimits

_CANCELED = "57014"


class Unhurried:
    """Give a statement its budget in place of ``statement_timeout``, for a block.

    A concurrent one has no ``lock_timeout`` either: an index build that gives up is left invalid,
    and nobody waits behind it. What the file has set for itself stays.

    Args:
        wire: The connection.
        limits: What holds for the step.
        concurrent: Whether the statement works concurrently.
    """

    def __init__(self, wire: Wire, limits: StepLimits, *, concurrent: bool) -> None:
        self._wire = wire
        self._budget = limits.budget
        self._orders = unhurried(limits, concurrent=concurrent)
        self._began = 0.0

    async def __aenter__(self) -> None:
        """Set what is ours."""
        await self._wire.execute(self._orders[0])
        self._began = time.monotonic()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Set it back, unless the statement was refused: the session is tidied then anyway.

        Raises:
            MigrationFailedError: The budget was used up.
        """
        if error is None:
            await self._wire.execute(self._orders[1])
        elif isinstance(error, MigrationFailedError) and self._is_spent(error):
            raise _overspent(error, self._budget or 0.0) from error.__cause__

    def _is_spent(self, error: MigrationFailedError) -> bool:
        """Tell it from a person who has cancelled the statement."""
        spent = time.monotonic() - self._began
        return error.sqlstate == _CANCELED and self._budget is not None and spent >= self._budget


def unhurried(limits: StepLimits, *, concurrent: bool) -> tuple[str, str]:
    """Return the query that sets the limits of such a statement, and the one that sets them back.

    Each leaves alone what the file has set for itself.
    """
    changes = [("statement_timeout", limits.statement_timeout, limits.budget)]
    if concurrent:
        changes.append(("lock_timeout", limits.lock_timeout, None))
    there = [(name, milliseconds(before), milliseconds(after)) for name, before, after in changes]
    return _switch(there), _switch([(name, after, before) for name, before, after in there])


def _switch(changes: Iterable[tuple[str, int, int]]) -> str:
    values = ", ".join(
        f"({literal(name)}, {literal(str(before))}, {literal(str(after))})"
        for name, before, after in changes
    )
    return (
        "SELECT pg_catalog.set_config(s.name, v.after, false) "
        f"FROM (VALUES {values}) v (name, before, after) "
        f"JOIN pg_catalog.pg_settings s ON s.name {EQUALS} v.name "
        f"AND s.setting {EQUALS} v.before"
    )


def _overspent(error: MigrationFailedError, budget: float) -> MigrationFailedError:
    advice = (
        in_the_way(error.blockers),
        "or give it more time with `budget:` on the marker, or --budget",
        "then run again: it goes on where it stopped",
        error.hint,
    )
    message = f"{error.message} (its budget of {budget:g} s is used up)"
    return reworded(error, message, "; ".join(filter(None, advice)))
