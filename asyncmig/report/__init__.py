"""What the calls of a Migrator return: frozen values, for code and for documents alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.report.repair import RepairReport
    from asyncmig.report.run import RunReport
    from asyncmig.report.status import PlanReport, StatusReport
    from asyncmig.report.trace import MigrationTrace, TraceReport, Untraced

_HOMES = {
    "MigrationTrace": "trace",
    "PlanReport": "status",
    "RepairReport": "repair",
    "RunReport": "run",
    "StatusReport": "status",
    "TraceReport": "trace",
    "Untraced": "trace",
}

__all__ = [
    "MigrationTrace",
    "PlanReport",
    "RepairReport",
    "RunReport",
    "StatusReport",
    "TraceReport",
    "Untraced",
]

__getattr__ = names_of(__name__, _HOMES)
