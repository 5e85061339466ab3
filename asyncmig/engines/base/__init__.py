"""The seam between the runner and a database: two protocols and the values that cross it.

An :class:`Engine` knows how to reach one database; a :class:`Session` is one visit to it. A session
reads the history without a lock, takes the lock, and applies one step at a time. It decides
nothing: what to run comes from :mod:`asyncmig.plan`.

Changes to these protocols are not breaking until we say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.engines.base.adoption import Adoption
    from asyncmig.engines.base.engine import Engine
    from asyncmig.engines.base.runner import Runner
    from asyncmig.engines.base.session import Holder, Session, Wait, apply_first
    from asyncmig.engines.base.step import Share, StepEvents, failure_of
    from asyncmig.engines.base.turns import ForeignLockTakenError, HistoryMovedError, NothingToDo

CLEANUP_SECONDS = 3.5
"""How long the whole clean-up of a cancelled run may take before the connection is terminated: well
below the 5 s that are promised, which a busy event loop and the last goodbyes count in."""

_HOMES = {
    "Adoption": "adoption",
    "Engine": "engine",
    "ForeignLockTakenError": "turns",
    "HistoryMovedError": "turns",
    "Holder": "session",
    "NothingToDo": "turns",
    "Runner": "runner",
    "Session": "session",
    "Share": "step",
    "StepEvents": "step",
    "Wait": "session",
    "apply_first": "session",
    "failure_of": "step",
}

__all__ = [
    "CLEANUP_SECONDS",
    "Adoption",
    "Engine",
    "ForeignLockTakenError",
    "HistoryMovedError",
    "Holder",
    "NothingToDo",
    "Runner",
    "Session",
    "Share",
    "StepEvents",
    "Wait",
    "apply_first",
    "failure_of",
]

__getattr__ = names_of(__name__, _HOMES)
