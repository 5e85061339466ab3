"""The floors of :mod:`benchmarks.floor`, as if they were tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import floor
from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script


@dataclass(frozen=True, slots=True)
class Floor:
    """``python floor.py``.

    Attributes:
        look: What it looks at, ``listed`` or ``hashed``.
    """

    name: str
    look: str
    requirements: tuple[str, ...] = ("asyncpg",)
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = False
    call: str = "floor"
    program: str = ""
    module: str = ""
    names: str = ""

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What the call is given."""
        return (("look", self.look),)

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script."""
        del programs
        for script in scripts:
            (folder / f"{script.number:05}_step.sql").write_text(script.sql.removesuffix(";\n"))

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending.

        ``-P`` keeps the modules beside the script off the path.
        """
        return [str(programs / "python"), "-P", floor.__file__, url, str(folder), self.look]
