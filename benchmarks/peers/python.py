"""Python itself, doing nothing: what no tool that is written in it can do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script


@dataclass(frozen=True, slots=True)
class Python:
    """``python -c pass``."""

    name: str = "python"
    requirements: tuple[str, ...] = ("pip",)  # an environment with nothing else in it
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = False
    call: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    program: str = ""
    module: str = ""
    names: str = ""

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write nothing."""

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that does nothing."""
        del folder, url
        return [str(programs / "python"), "-c", "pass"]
