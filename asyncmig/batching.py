"""Data migrations in batches: what their authors write, and how large the next batch is.

Pure, but for the mark that the decorator leaves on a function. Called after what it does and not
``batches``, which is the name of the decorator in :mod:`asyncmig`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from asyncmig.migration import Batching

Cursor = TypeVar("Cursor")


@dataclass(frozen=True, slots=True)
class Batch(Generic[Cursor]):
    """What the function of a migration in batches gets, once for each batch.

    Attributes:
        connection: The driver's own connection, inside the transaction of this batch.
        after: What the function returned last, as JSON brings it back: a tuple is a list by now.
            ``None`` in front of the first batch.
        size: How many rows this batch is for.
    """

    connection: Any
    after: Cursor | None
    size: int


Function = TypeVar("Function", bound=Callable[[Batch[Any]], Awaitable[object]])

_MARK = "__asyncmig_batching__"


def batches(
    *,
    size: int = 1000,
    target: float = 0.5,
    pause: float | None = None,
    replica_lag: float | None = None,
) -> Callable[[Function], Function]:
    """Have ``up`` or ``down`` of a Python migration called again and again, a batch at a time.

    Each call has a transaction of its own, which holds what the function returns as well: the
    cursor behind which the next one goes on, any value that JSON can hold. ``None`` ends it.
    The file is read before it is run, so the arguments are written down as plain numbers.

    Args:
        size: How many rows the first batch is for; later ones adapt to ``target``.
        target: Seconds that a batch is to take.
        pause: Seconds between two batches; ``None`` for what suits the database.
        replica_lag: Seconds that a replica may be behind before the next batch waits for it
            (PostgreSQL); ``None`` for as many as it likes.

    Raises:
        ValueError: A value is out of its bounds.
    """
    batching = Batching(size=size, target=target, pause=pause, replica_lag=replica_lag)

    def mark(function: Function) -> Function:
        setattr(function, _MARK, batching)
        return function

    return mark


def batching_of(function: object) -> Batching | None:
    """Return what the decorator was given, ``None`` for a function without it."""
    found: Batching | None = getattr(function, _MARK, None)
    return found


# --- how large the next batch is --------------------------------------------------------------

_NEWEST = 0.4
"""How much the last batch counts beside those before it."""

_GROWTH = 2.0
_SHRINKAGE = 0.1
"""How far the size goes in one step: up with care, down at once."""

_SMALLEST = 0.1
_LARGEST = 100
"""How far it goes from what the author wrote."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How large the next batch is, so that it takes the time that it is to take.

    Attributes:
        batching: What the author asked for.
        size: How many rows the next batch is for.
        cost: Seconds that a row takes, the last batches counting most; ``None`` at first.
    """

    batching: Batching
    size: int
    cost: float | None = None

    @classmethod
    def of(cls, batching: Batching, size: int = 0) -> Pace:
        """Begin with the author's size, or where an earlier run had got to."""
        return cls(batching, _within(batching, size or batching.size))

    def after(self, seconds: float) -> Pace:
        """Return the pace after a batch of this size that took so long."""
        cost = seconds / self.size
        if self.cost is not None:
            cost = _NEWEST * cost + (1 - _NEWEST) * self.cost
        wanted = self.batching.target / cost if cost > 0 else self.size * _GROWTH
        wanted = min(max(wanted, self.size * _SHRINKAGE), self.size * _GROWTH)
        return replace(self, size=_within(self.batching, wanted), cost=cost)


def _within(batching: Batching, wanted: float) -> int:
    """Return the size that is wanted, as far as the author's size lets it."""
    return round(max(1, batching.size * _SMALLEST, min(wanted, batching.size * _LARGEST)))


# --- how far it is ----------------------------------------------------------------------------

_TELL_EVERY = 1.0
_TELL_AT_LEAST_EVERY = 30.0
_TELL_SELDOMER = 20


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run of batches has done so far, and what that says about the rest.

    Attributes:
        rows: How many rows this run has changed.
        seconds: How long that took, the pauses included.
        expected: How many rows there were to change when it began, as the database reckoned;
            ``None`` where it does not.
        waits_for: What the next batch waits for; empty when it does not.
    """

    rows: int
    seconds: float
    expected: int | None = None
    waits_for: str = ""

    @property
    def rate(self) -> float:
        """Rows in a second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining_rows(self) -> int | None:
        """How many rows are left; ``None`` once there were more than the database had reckoned."""
        if self.expected is None or self.rows > self.expected:
            return None
        return self.expected - self.rows

    @property
    def remaining_seconds(self) -> float | None:
        """How long the rest takes at this rate; ``None`` where nobody can tell."""
        rows = self.remaining_rows
        return None if rows is None or not self.rate else rows / self.rate


def is_worth_telling(seconds: float, last: float | None) -> bool:
    """Tell whether it is time to say how far it is: every second at first, more seldom later.

    An hour is some hundred lines of a log.

    Args:
        seconds: How long this run of batches has taken so far.
        last: When it was said last; ``None`` for never.
    """
    if last is None:
        return True
    pause = min(max(_TELL_EVERY, seconds / _TELL_SELDOMER), _TELL_AT_LEAST_EVERY)
    return seconds - last >= pause


_TIMES_OVER = 2
_FEW_BATCHES = 10


def never_ends(rows: int, known: int | None, batching: Batching) -> bool:
    """Tell whether a statement has changed more rows than it can have had to.

    One whose WHERE does not leave out what is done goes round and round. Applications may add rows
    meanwhile, and a statement may change a row twice: so it is stopped only well above.

    Args:
        rows: How many rows this run has changed.
        known: How many rows its tables had when the run began; ``None`` where nobody can tell.
        batching: What the author asked for.
    """
    return known is not None and rows > _TIMES_OVER * known + _FEW_BATCHES * batching.size
