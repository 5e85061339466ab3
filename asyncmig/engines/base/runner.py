"""Who runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

from asyncmig.version import __version__


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs, for the history and for those who wait.

    Attributes:
        run_id: Identifies the run.
        tool_version: The release of asyncmig.
        host: The name of this machine.
        pid: This process.
    """

    run_id: str
    tool_version: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)

    @classmethod
    def new(cls) -> Runner:
        """Return this process, with a run of its own."""
        return cls(run_id=os.urandom(6).hex(), tool_version=__version__)
