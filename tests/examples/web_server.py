"""An example under uvicorn, in a process of its own, asked over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.commands import clean_environment

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

START_SECONDS = 40.0
STOP_SECONDS = 10.0
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; the content is JSON."""

    status: int
    content: Any


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        process: The process that was started; with workers it is their parent.
        log: What all of its processes write.
    """

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> Answer:
        """Send a GET request over a connection of its own.

        Raises:
            OSError: Nobody listens.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))

    def stop(self) -> int:
        """Send SIGTERM, as an orchestrator does, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def lines(self) -> list[str]:
        """Return what was written so far."""
        return self.log.read_text(encoding="utf-8").splitlines()


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    application: str, *, cwd: Path, arguments: tuple[str, ...] = (), **environment: str
) -> Generator[WebServer]:
    """Start uvicorn, wait until it answers, and stop it afterwards, whatever happens.

    Args:
        application: What to serve, as ``module:name``.
        cwd: Where to start it; the module is looked for there.
        arguments: More options of uvicorn.
        environment: Variables for it.
    """
    port, log = free_port(), cwd / f"uvicorn-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *arguments]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=clean_environment(cwd, **environment),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_port(process, port, log)
        yield WebServer(port, process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the port is open: uvicorn opens it when the lifespan has started."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(PAUSE)
    message = f"uvicorn did not come up:\n{log.read_text(encoding='utf-8')}"
    raise AssertionError(message)
