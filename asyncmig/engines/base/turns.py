"""What makes a runner do something else than it had planned."""

from __future__ import annotations


class NothingToDo(Exception):  # noqa: N818 - not an error: the way out of a wait
    """The wait for the lock is over because another runner did the work."""


class ForeignLockTakenError(Exception):
    """Another tool is at it. Internal: wait, and try again."""


class HistoryMovedError(Exception):
    """The history is no longer the one that the plan was made from. Internal: plan again."""
