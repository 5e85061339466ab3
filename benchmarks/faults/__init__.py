"""What can go wrong while a tool migrates, done to each tool alike."""

from __future__ import annotations

from benchmarks.faults.postgres import POSTGRES
from benchmarks.faults.sqlite import SQLITE

FAULTS = (*POSTGRES, *SQLITE)
