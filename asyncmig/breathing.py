"""Long work in a thread that lets the event loop have its turns.

Only one thread of a process has the interpreter. One that does not let go of it keeps it for 5 ms
(``sys.getswitchinterval()``), and the event loop needs it more than once to serve a request.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_AT_A_TIME = 1e-3
"""Seconds of work between two breaths."""

_BREATH = 1e-5
"""Seconds, at least. With none at all, the thread has the interpreter again before anybody else has
woken up."""


def breathing(items: Iterable[T]) -> Iterator[T]:
    """Go through the items, and pause for a moment after each millisecond of work on them."""
    due = time.monotonic() + _AT_A_TIME
    for item in items:
        if time.monotonic() >= due:
            time.sleep(_BREATH)
            due = time.monotonic() + _AT_A_TIME
        yield item
