"""How long a step may take, and how often it may be tried. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.migration import PythonScript

if TYPE_CHECKING:
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.migration import Script


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What holds for one step. Times are seconds; ``None`` for no limit.

    Attributes:
        lock_timeout: How long a statement may wait for a lock.
        statement_timeout: How long a statement may take.
        budget: How long a statement may take that cannot run in a transaction.
        attempts: How often the step is tried at most, the first time included.
    """

    lock_timeout: float | None
    statement_timeout: float | None
    budget: float | None
    attempts: int


def limits_of(settings: EngineSettings, script: Script) -> StepLimits:
    """Return what holds for a script: what its file says, else what the run says.

    A Python migration is tried once unless it says otherwise: what it does outside of the database
    would happen again.
    """
    own = script.limits
    retries = settings.retries if own.retries is None else own.retries
    if isinstance(script, PythonScript) and not script.retry:
        retries = 0
    return StepLimits(
        lock_timeout=_first(own.lock_timeout, settings.lock_timeout),
        statement_timeout=_first(own.statement_timeout, settings.statement_timeout),
        budget=_first(own.budget, settings.budget),
        attempts=retries + 1,
    )


def _first(own: float | None, run: float | None) -> float | None:
    """Return the limit of the file, where infinity is none, if it says one, else the run's."""
    if own is None:
        return run
    return None if math.isinf(own) else own
