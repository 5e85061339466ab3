"""PgBouncer in front of a test server, started the same way by root and by anyone else."""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.servers.machine import NotInstalledError, free_port, scratch_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

ELSEWHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"  # not on an ordinary user's PATH
START_SECONDS = 10.0


class PoolMode(enum.StrEnum):
    """When PgBouncer takes a server connection away from a client."""

    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"


@contextlib.contextmanager
def pgbouncer(
    url: str,
    *,
    mode: PoolMode = PoolMode.TRANSACTION,
    pool: int = 2,
    **settings: str,
) -> Generator[str]:
    """Yield the URL of the same database through a PgBouncer that is gone afterwards.

    Args:
        url: A database on a server that accepts TCP connections.
        mode: The pool mode.
        pool: How many server connections each pair of user and database gets.
        settings: More lines of the section `[pgbouncer]`, such as `server_idle_timeout="1"`.

    Raises:
        NotInstalledError: If the machine has no PgBouncer.
        RuntimeError: If it does not start; with its log.
    """
    program = _find_program()
    identity = unprivileged()
    port = free_port()
    with scratch_folder("pgbouncer", identity) as root:
        _write(root / "users", _users(url))
        limits = {"pool_mode": mode, "default_pool_size": str(pool), **settings}
        _write(root / "ini", _configuration(url, port, root, limits))
        with (root / "log").open("wb") as log:
            bouncer = subprocess.Popen(
                [program, "-q", root / "ini"], stdout=log, stderr=log, cwd="/", **identity
            )
        try:
            _wait_until_open(bouncer, port, root / "log")
            server = urlsplit(url)
            login = server.netloc.rpartition("@")[0]
            yield server._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
        finally:
            bouncer.terminate()
            bouncer.wait()


def _find_program() -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), ELSEWHERE])
    if program := shutil.which("pgbouncer", path=path):
        return program
    message = "no PgBouncer here: apt-get install pgbouncer"
    raise NotInstalledError(message)


def _users(url: str) -> str:
    server = urlsplit(url)
    return f'"{unquote(server.username or "")}" "{unquote(server.password or "")}"\n'


def _configuration(url: str, port: int, root: Path, limits: dict[str, str]) -> str:
    server = urlsplit(url)
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": str(root / "users"),
        "max_client_conn": "200",
        **limits,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    target = f"* = host={server.hostname} port={server.port or 5432}"
    return "\n".join(["[databases]", target, "[pgbouncer]", *lines, ""])


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)  # root writes and nobody reads, whatever the umask; the folder is private


def _wait_until_open(bouncer: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while bouncer.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    message = f"PgBouncer did not start:\n{log.read_text(errors='replace')}"
    raise RuntimeError(message)
