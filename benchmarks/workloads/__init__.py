"""What the contestants are given to do: one module per workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.workloads.apply import Apply
from benchmarks.workloads.crowd import Crowd
from benchmarks.workloads.heartbeat import HeartbeatApply, HeartbeatNoop
from benchmarks.workloads.imports import Imports
from benchmarks.workloads.noop import Noop
from benchmarks.workloads.seed import Seed
from benchmarks.workloads.start import MEMORY, Start
from benchmarks.workloads.trips import Trips

if TYPE_CHECKING:
    from benchmarks.workloads.base import Workload

WORKLOADS: tuple[Workload, ...] = (
    Noop(),
    Start(),
    Trips(),
    Apply(),
    Crowd(),
    HeartbeatApply(),
    HeartbeatNoop(),
    Seed(),
    Imports(),
    MEMORY,
)
