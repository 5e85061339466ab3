"""yoyo-migrations, by its command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script


@dataclass(frozen=True, slots=True)
class Yoyo:
    """``yoyo apply --batch``."""

    name: str = "yoyo"
    requirements: tuple[str, ...] = ("yoyo-migrations==9.0.0", "psycopg2-binary", "setuptools")
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = True
    call: str = "yoyo"
    settings: tuple[tuple[str, str], ...] = ()
    program: str = "yoyo"
    module: str = "yoyo"
    names: str = "get_backend, read_migrations"

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script, each of which depends on the one before."""
        del programs
        for script in scripts:
            head = f"-- depends: {script.number - 1:05}.step\n" if script.number > 1 else ""
            head += "" if script.transaction else "-- transactional: false\n"
            (folder / f"{script.number:05}.step.sql").write_text(head + script.sql)

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        options = ["--batch", "--no-config-file", "--database", url]
        return [str(programs / "yoyo"), "apply", *options, str(folder)]
