"""A scratch folder in which the snippets of one page are executed, one after the other."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.commands import clean_environment
from tests.docs.likeness import is_like, masked
from tests.docs.markdown import PROJECT
from tests.examples.web_server import free_port

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.docs.markdown import Fence

DATABASE = "postgresql://app:secret@localhost/shop"
"""What the pages call the reader's PostgreSQL database."""
PORT = "8000"
SECONDS = 50.0
BASH = shutil.which("bash") or "bash"

_VERSION = re.compile(r"(?P<folder>.*/)?(?P<version>[0-9]{14})(?P<rest>_.*)")
_LINE_OF_YAML = re.compile(r"(?:  )*(?:- )?(?:[\w./-]+:(?: .+)?|[\w\"'].*)|---|\s*#.*|")
_SHIMS = {
    "asyncmig": 'exec "{python}" -W error -m asyncmig "$@"',
    "python": 'exec "{python}" "$@"',
    "python3": 'exec "{python}" "{shims}/venv.py" "$@"',
    "alembic": 'exec "{python}" -m alembic "$@"',
    "uvicorn": 'exec "{python}" -m uvicorn "$@"',
    "curl": 'exec "{python}" "{shims}/curl.py" "$@"',
}
# `curl -s [--retry N] URL`, on machines without curl.
_CURL = """\
import sys
import time
import urllib.error
import urllib.request

for _ in range(50):
    try:
        with urllib.request.urlopen(sys.argv[-1], timeout=30) as answer:
            print(answer.read().decode())
            break
    except (urllib.error.HTTPError, ConnectionError):
        time.sleep(0.1)
else:
    sys.exit(22)
"""
# `python3 -m venv FOLDER` makes a folder with the programs of this environment, and a pip that
# has nothing to install: the network is for a machine that is really fresh.
_VENV = """\
import pathlib
import sys

assert sys.argv[1:3] == ["-m", "venv"], sys.argv
programs = pathlib.Path(sys.argv[3], "bin")
programs.mkdir(parents=True)
shims = pathlib.Path(__file__).parent
for name in ("asyncmig", "python"):
    (programs / name).symlink_to(shims / name)
(programs / "activate").write_text("")
(programs / "pip").write_text("#!/bin/sh\\ntest \\"$1 $2\\" = 'install -q'\\n")
(programs / "pip").chmod(0o755)
"""
_TOP_LEVEL_AWAIT = """\
import ast
import asyncio
import inspect
import sys

sys.path.insert(0, "")
source = open(sys.argv[1], encoding="utf-8").read()
code = compile(source, sys.argv[1], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def run():
    result = eval(code, {"__name__": "__main__"})
    if inspect.isawaitable(result):
        await result


asyncio.run(run())
"""


@dataclass(slots=True)
class Workshop:
    """The scratch folder of one page.

    Attributes:
        folder: Where commands are run and files are written.
        shims: Programs in front of those of the system.
        database: The URL that :data:`DATABASE` stands for; empty if the page has no need of it.
        port: What 8000 stands for.
        printed: What the last command printed.
    """

    folder: Path
    shims: Path
    database: str
    port: int = field(default_factory=free_port)
    printed: str = ""
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def execute(self, fence: Fence) -> None:
        """Do with a block what its info string says.

        Raises:
            AssertionError: It does not work, or does not print what the page shows.
        """
        if fence.language == "yaml":
            check_yaml(fence.text)
        if fence.title:
            self._write(fence.title, fence.text)
        elif "illustration" in fence.words or fence.language == "yaml":
            return
        elif "background" in fence.words:
            self._start(fence.text)
        elif fence.language == "sh":
            self._run_shell(fence)
        elif fence.language == "python":
            self._run_python(fence)
        elif fence.language in {"text", "json"}:
            self._compare(fence.text)
        else:
            message = f"nobody knows what to do with a block of {fence.language or 'nothing'}"
            raise AssertionError(message)

    def close(self) -> None:
        """Stop what was started in the background."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def _meant(self, text: str) -> str:
        """Return the text for this machine: its database, its port."""
        return re.sub(rf"\b{PORT}\b", str(self.port), text.replace(DATABASE, self.database))

    def _environment(self) -> dict[str, str]:
        path = f"{self.shims}{os.pathsep}{os.environ['PATH']}"
        return clean_environment(self.folder, PATH=path, ASYNCMIG_LOG_FORMAT="none")

    def _write(self, title: str, text: str) -> None:
        """Write a file; a migration goes into the one that `asyncmig new` made for that name."""
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        if named := _VERSION.fullmatch(title):
            path = next(iter(path.parent.glob(f"[0-9]*{named['rest']}")), path)
        path.write_text(self._meant(text), encoding="utf-8")
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        if path.suffix == ".sh":
            path.chmod(0o755)

    def _run(self, command: list[str], exit_code: int) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        self.printed = done.stdout
        assert exit_code == done.returncode, done.stdout

    def _run_shell(self, fence: Fence) -> None:
        """Run commands; the next ones go on in the folder where these end, as in a terminal."""
        place = self.shims / "place"
        script = f"trap 'pwd >\"{place}\"' EXIT\n{self._meant(fence.text)}"
        self._run([BASH, "-e", "-c", script], fence.exit_code)
        self.folder = Path(place.read_text(encoding="utf-8").strip())

    def _run_python(self, fence: Fence) -> None:
        snippet = self.shims / f"snippet_{fence.line}.py"
        snippet.write_text(self._meant(fence.text), encoding="utf-8")
        self._run([sys.executable, str(self.shims / "await.py"), str(snippet)], fence.exit_code)

    def _start(self, text: str) -> None:
        log = self.folder / "background.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [BASH, "-c", self._meant(text)],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        self._wait_for_port(log)

    def _wait_for_port(self, log: Path) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._running[-1].poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1.0),
            ):
                return
            time.sleep(0.05)
        raise AssertionError(log.read_text(encoding="utf-8"))

    def _compare(self, expected: str) -> None:
        if not is_like(expected, self.printed):
            assert masked(expected) == masked(self.printed)


@contextlib.contextmanager
def workshop(page: str, scratch: Path, database: str) -> Generator[Workshop]:
    """Make the scratch folder of a page, and clean up after it.

    A page about this repository itself gets a copy of what its snippets use.
    """
    folder, shims = scratch / "work", scratch / "shims"
    folder.mkdir()
    shims.mkdir()
    for name, line in _SHIMS.items():
        script = line.format(python=sys.executable, shims=shims)
        (shims / name).write_text(f"#!/bin/sh\n{script}\n")
        (shims / name).chmod(0o755)
    for name, source in (
        ("curl.py", _CURL),
        ("venv.py", _VENV),
        ("await.py", _TOP_LEVEL_AWAIT),
    ):
        (shims / name).write_text(source)
    if page.startswith(("README", "examples/")):
        for name in ("migrations", "examples"):
            shutil.copytree(PROJECT / name, folder / name)
        shutil.copy(PROJECT / "pyproject.toml", folder)
    start = folder / Path(page).parent if page.startswith("examples/fastapi") else folder
    made = Workshop(start, shims, database)
    try:
        yield made
    finally:
        made.close()


def check_yaml(text: str) -> None:
    """Parse YAML where PyYAML is installed; elsewhere look at its outline.

    Raises:
        AssertionError: A line cannot be YAML.
    """
    if importlib.util.find_spec("yaml"):
        list(importlib.import_module("yaml").safe_load_all(text))
    assert [] == [line for line in text.splitlines() if not _LINE_OF_YAML.fullmatch(line)]
