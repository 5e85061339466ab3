"""What this machine offers to a test server: a user, a place for its files, a port."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Generator

MEMORY = Path("/dev/shm")  # noqa: S108 - the one file system that is surely memory
ROOM = 1 << 30  # bytes; containers often have only 64 MB of shared memory, too little for a server


class NotInstalledError(RuntimeError):
    """Say which program the machine lacks and how to get it."""


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change the user; none means "as I am"."""

    user: int
    group: int
    extra_groups: list[int]


def unprivileged() -> Identity:
    """Return who runs a server: `nobody` for root, whom PostgreSQL refuses, else oneself."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def scratch_folder(name: str, identity: Identity) -> Generator[Path]:
    """Yield a fresh folder that belongs to `identity`, in memory where there is room for it."""
    folder = Path(tempfile.mkdtemp(prefix=f"asyncmig-{name}-", dir=_memory()))
    try:
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """Return the folder in memory; None (the default place) if it is small or TMPDIR decides."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return None
    room = os.statvfs(MEMORY)
    return MEMORY if room.f_bavail * room.f_frsize > ROOM else None


def free_port() -> int:
    """Return a TCP port that is free now; another program may still take it first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
