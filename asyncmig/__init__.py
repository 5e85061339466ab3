"""asyncmig: database migrations for asyncio services, on PostgreSQL and SQLite.

``await asyncmig.migrate(url)`` in a script, ``asyncmig.lifespan(url)`` in an ASGI application,
``python -m asyncmig up`` in a shell. The names below are imported when they are first used, so that
``import asyncmig`` costs next to nothing and a PostgreSQL service never loads a SQLite driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig import errors, events
    from asyncmig.batching import Batch, batches
    from asyncmig.blocker import Blocker
    from asyncmig.errors import AsyncmigError
    from asyncmig.foreign import AdoptReport, ForeignMigration
    from asyncmig.history import HistoryEntry, MigrationStatus, Problem, RowState, State
    from asyncmig.locks import (
        Hazard,
        LockMode,
        LockReport,
        RelationKind,
        RelationReport,
        Violation,
    )
    from asyncmig.logging import log_event
    from asyncmig.migration import Direction, Kind, Migration, Phase, Version
    from asyncmig.migrator import Migrator
    from asyncmig.plan import Step
    from asyncmig.report import (
        MigrationTrace,
        PlanReport,
        RepairReport,
        RunReport,
        StatusReport,
        TraceReport,
        Untraced,
    )
    from asyncmig.request import Changed, Durability, OutOfOrder, Phases
    from asyncmig.startup import Lifespan, lifespan, migrate
    from asyncmig.version import __version__

_HOME = {
    "AdoptReport": "foreign",
    "AsyncmigError": "errors",
    "Blocker": "blocker",
    "Batch": "batching",
    "Changed": "request",
    "Direction": "migration",
    "Durability": "request",
    "ForeignMigration": "foreign",
    "Hazard": "locks",
    "HistoryEntry": "history",
    "Kind": "migration",
    "Lifespan": "startup",
    "LockMode": "locks",
    "LockReport": "locks",
    "Migration": "migration",
    "MigrationStatus": "history",
    "MigrationTrace": "report",
    "Migrator": "migrator",
    "OutOfOrder": "request",
    "Phase": "migration",
    "Phases": "request",
    "PlanReport": "report",
    "Problem": "history",
    "RelationKind": "locks",
    "RelationReport": "locks",
    "RepairReport": "report",
    "RowState": "history",
    "RunReport": "report",
    "State": "history",
    "StatusReport": "report",
    "Step": "plan",
    "TraceReport": "report",
    "Untraced": "report",
    "Version": "migration",
    "Violation": "locks",
    "__version__": "version",
    "batches": "batching",
    "lifespan": "startup",
    "log_event": "logging",
    "migrate": "startup",
}

__all__ = [
    "AdoptReport",
    "AsyncmigError",
    "Batch",
    "Blocker",
    "Changed",
    "Direction",
    "Durability",
    "ForeignMigration",
    "Hazard",
    "HistoryEntry",
    "Kind",
    "Lifespan",
    "LockMode",
    "LockReport",
    "Migration",
    "MigrationStatus",
    "MigrationTrace",
    "Migrator",
    "OutOfOrder",
    "Phase",
    "Phases",
    "PlanReport",
    "Problem",
    "RelationKind",
    "RelationReport",
    "RepairReport",
    "RowState",
    "RunReport",
    "State",
    "StatusReport",
    "Step",
    "TraceReport",
    "Untraced",
    "Version",
    "Violation",
    "__version__",
    "batches",
    "errors",
    "events",
    "lifespan",
    "log_event",
    "migrate",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    from importlib import import_module

    if name in {"errors", "events"}:
        return import_module(f"asyncmig.{name}")
    if name not in _HOME:
        message = f"module 'asyncmig' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"asyncmig.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
