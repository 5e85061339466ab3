"""What another tool has done, taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncmig.foreign import ForeignRow, Reading
    from asyncmig.history import NewRow


@dataclass(frozen=True, slots=True)
class Adoption:
    """What to read of another tool, and how to make rows of our history of it.

    Attributes:
        readings: What to read.
        locks: The advisory locks that the tool takes while it runs (PostgreSQL).
        decide: Returns the rows to append, given what was read. Called in a worker thread; what it
            raises is passed on, and nothing is written then.
    """

    readings: Sequence[Reading]
    locks: Sequence[int]
    decide: Callable[[Sequence[Sequence[ForeignRow]]], Sequence[NewRow]]
