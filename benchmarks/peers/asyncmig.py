"""asyncmig, as it is in this checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.base import Script

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Asyncmig:
    """``asyncmig up``.

    Attributes:
        settings: Options of the command and of :func:`asyncmig.migrate` alike.
    """

    name: str = "asyncmig"
    settings: tuple[tuple[str, str], ...] = ()
    requirements: tuple[str, ...] = (str(PROJECT),)
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = True
    call: str = "asyncmig"
    program: str = "asyncmig"
    module: str = "asyncmig"
    names: str = "migrate"

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script; a marker where it leaves the transaction."""
        del programs
        for script in scripts:
            marker = "" if script.transaction else "-- migrate:up transaction:false\n"
            (folder / f"{script.number:05}_step.sql").write_text(marker + script.sql)

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        options = [f"--{name}={value}" for name, value in self.settings]
        program = str(programs / self.program)
        return [program, "up", "--database", url, "--source", str(folder), *options]
