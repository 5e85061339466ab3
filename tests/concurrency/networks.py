"""A network that can be cut without a word: a namespace and a cable. For root on Linux only.

A proxy cannot do this. It stands on the same machine, whose kernel goes on answering keepalives in
its name, so that each end believes the other one to be alive.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.database import ask

if TYPE_CHECKING:
    from collections.abc import Generator

SUBNET = "10.231.77"
TRUST = "COPY (SELECT 'host all all 0.0.0.0/0 trust') TO '{}'"


@dataclass(frozen=True, slots=True)
class Network:
    """A place from which the server is reached by one cable.

    Attributes:
        name: The namespace, and the beginning of the names of the cable's ends.
    """

    name: str

    @property
    def prefix(self) -> list[str]:
        """The words in front of a command that runs it there."""
        return ["ip", "netns", "exec", self.name]

    def url(self, url: str) -> str:
        """Return the URL of the same database as it is reached from there."""
        parts = urlsplit(url)
        netloc = f"{parts.username}@{SUBNET}.1:{parts.port}"
        return parts._replace(netloc=netloc).geturl()

    def cut(self) -> None:
        """Pull the cable: nothing arrives any more, and nobody is told."""
        _run("ip", "-n", self.name, "link", "set", f"{self.name}b", "down")


def can_cut() -> bool:
    """Tell whether this machine lets us make networks."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextlib.contextmanager
def network() -> Generator[Network]:
    """Make a network, and take it away again."""
    name = f"am{os.getpid()}"
    here, there = f"{name}a", f"{name}b"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _run("ip", "addr", "add", f"{SUBNET}.1/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        _run("ip", "-n", name, "addr", "add", f"{SUBNET}.2/30", "dev", there)
        _run("ip", "-n", name, "link", "set", there, "up")
        yield Network(name)
    finally:
        # The cable first: the namespace takes its end away some time later only.
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "link", "del", here)
        _run("ip", "netns", "del", name)


async def let_in(url: str) -> None:
    """Let a server that listens on all addresses accept everybody who calls."""
    ((path,),) = await ask(url, "SHOW hba_file")
    await ask(url, TRUST.format(path))
    await ask(url, "SELECT pg_reload_conf()")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
