"""pogo-migrate, by its command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script

PROJECT = '[tool.pogo]\nmigrations = "migrations"\n'


@dataclass(frozen=True, slots=True)
class Pogo:
    """``pogo apply``, which knows PostgreSQL alone."""

    name: str = "pogo-migrate"
    requirements: tuple[str, ...] = ("pogo-migrate==0.4.7", "asyncpg")
    databases: frozenset[str] = frozenset({"postgresql"})
    leaves_transactions: bool = True
    call: str = "pogo"
    settings: tuple[tuple[str, str], ...] = ()
    program: str = "pogo"
    module: str = "pogo_core.util"
    names: str = "migrate"

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script, each of which depends on the one before."""
        del programs
        (folder / "pyproject.toml").write_text(PROJECT)
        files = folder / "migrations"
        files.mkdir(exist_ok=True)
        for script in scripts:
            before = f" {script.number - 1:05}-step" if script.number > 1 else ""
            option = "" if script.transaction else "-- transaction: false\n"
            (files / f"{script.number:05}-step.sql").write_text(
                f"-- step\n-- depends:{before}\n{option}\n"
                f"-- migrate: apply\n{script.sql}\n-- migrate: rollback\n"
            )

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending; it looks for its file above the cwd."""
        del folder
        return [str(programs / self.program), "apply", "--database", url]
