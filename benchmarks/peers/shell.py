"""The databases' own shells, which read a file and keep no history."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.postgres import postgres_binaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.base import Script


@dataclass(frozen=True, slots=True)
class Shell:
    """``psql -1 -f`` with the server's own psql, or ``.read`` in the sqlite3 shell.

    Attributes:
        name: ``psql`` or ``sqlite3``.
    """

    name: str
    databases: frozenset[str]
    requirements: tuple[str, ...] = ()
    leaves_transactions: bool = False
    call: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    program: str = ""
    module: str = ""
    names: str = ""

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one file per script."""
        del programs
        for script in scripts:
            (folder / f"{script.number:05}.sql").write_text(script.sql)

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that runs every file, in one transaction."""
        del programs
        files = sorted(str(path) for path in folder.iterdir())
        if self.name == "psql":
            options = ["-X", "-q", "-w", "-1", "-v", "ON_ERROR_STOP=1"]
            read = [word for file in files for word in ("-f", file)]
            return [str(_psql()), *options, *read, url]
        place = url.removeprefix("sqlite:///")
        read = [f".read '{file}'" for file in files]
        shell = [shutil.which("sqlite3") or "sqlite3", "-batch", "-bail", place]
        return [*shell, "BEGIN", *read, "COMMIT"]


def _psql() -> Path:
    beside = postgres_binaries() / "psql"
    return beside if beside.exists() else Path(shutil.which("psql") or "psql")
