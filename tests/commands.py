"""Programs that tests run: asyncmig itself, psql and the sqlite3 shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tests.servers.machine import NotInstalledError
from tests.servers.postgres import postgres_binaries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 50.0  # below the time-out per test, so that the program's output is shown
COLOURS = ("CLICOLOR_FORCE", "FORCE_COLOR", "NO_COLOR")
SETTINGS = ("ASYNCMIG_", "PG")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left: its exit code, and all it wrote."""

    exit_code: int
    stdout: str
    stderr: str


class RunAsyncmig(Protocol):
    """The type of the fixture `python_m_asyncmig`."""

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
    ) -> Finished:
        """Run `python -m asyncmig` to its end."""
        ...


def asyncmig_command(*arguments: str) -> list[str]:
    """Return the words that run asyncmig with this Python, where every warning is an error."""
    return [sys.executable, "-W", "error", "-m", "asyncmig", *arguments]


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Return this process's environment without a word about databases, settings or colours.

    Args:
        home: The HOME of the program, so that it meets nobody's ~/.pgpass or ~/.sqliterc.
        more: Variables to add.
    """
    kept = {name: value for name, value in os.environ.items() if not is_setting(name)}
    return {**kept, "HOME": str(home), **more}


def is_setting(name: str) -> bool:
    """Tell whether an environment variable could change what asyncmig or a driver does."""
    return name == "DATABASE_URL" or name in COLOURS or name.startswith(SETTINGS)


def run(
    command: list[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path,
    stdin: str = "",
) -> Finished:
    """Run a program to its end in `cwd`, which is also its HOME.

    Raises:
        subprocess.TimeoutExpired: If it takes longer than `SECONDS`.
    """
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env=clean_environment(cwd, **(env or {})),
        cwd=cwd,
        timeout=SECONDS,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def psql(url: str, script: str, *, cwd: Path) -> Finished:
    """Feed a script to the psql of the test server's own version.

    Raises:
        NotInstalledError: If the machine has none.
    """
    program = postgres_binaries() / "psql"
    if not program.exists():
        message = f"no psql beside the server's binaries, in {program.parent}"
        raise NotInstalledError(message)
    return run([str(program), "-X", "-q", "-w", "-f", "-", url], cwd=cwd, stdin=script)


def sqlite3_shell(path: Path, script: str, *, cwd: Path) -> Finished:
    """Feed a script to the sqlite3 shell.

    Raises:
        NotInstalledError: If the machine has none.
    """
    program = shutil.which("sqlite3")
    if program is None:
        message = "no sqlite3 shell here: apt-get install sqlite3"
        raise NotInstalledError(message)
    return run([program, "-batch", str(path)], cwd=cwd, stdin=script)
