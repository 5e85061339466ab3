"""Decide where a first run begins: in a database without history that may have tables. Pure.

An empty database gets everything, and one with a history what is pending. Between the two is the
database that somebody else has filled, by hand or with another tool: whether the first migrations
are in it already, nothing here can tell, and to guess wrong would run them twice or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.history import History

NOTHING = "none"
"""The choice that nothing of the migrations is there, whatever else is."""


def baseline_for(history: History, residents: Sequence[str], choice: str | None) -> str | None:
    """Return what to record before the first migration runs; ``None`` for nothing.

    Args:
        history: What the database remembers.
        residents: The tables and views that are there and not ours.
        choice: What the caller said about such a database: ``none``, ``latest``, a version, or
            nothing at all.

    Raises:
        NoHistoryError: There are some, there is no history, and nobody said what that means.
    """
    if history.entries or not residents or choice == NOTHING:
        return None
    if choice is None:
        raise NoHistoryError(residents)
    return choice
