"""Where contestants run: databases, folders, environments, and processes that are measured."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from benchmarks import launch
from benchmarks.generated import small_rows, small_tables
from benchmarks.results import FailedError
from tests.commands import clean_environment
from tests.database import ask
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from benchmarks.peers.base import Peer, Script

    Generate = Callable[[int], Sequence[Script]]

PROJECT = Path(__file__).parents[1]
TAIL = 300  # characters of the last words that are kept
OWNER = "bench"  # who migrates: an ordinary role, as in production
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost.

    Attributes:
        seconds: From its start to its end.
        cpu_seconds: Of its own and of the system for it.
        peak_mb: Its largest resident set.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Site:
    """A contestant in front of a database, with its migrations.

    Attributes:
        peer: The contestant.
        folder: Its migrations, in its format; also where its commands run.
        url: The database.
    """

    peer: Peer
    folder: Path
    url: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything that a measure stands on.

    Attributes:
        server: The URL of a PostgreSQL server, as a superuser.
        scratch: A folder on the disk that is measured.
        programs: The ``bin`` folder of each contestant's environment.
        patience: After how many seconds a contestant counts as stuck.
    """

    server: str
    scratch: Path
    programs: dict[str, Path]
    patience: float
    _folders: dict[tuple[str, str, int], Path] = field(default_factory=dict[Any, Path])
    _prepared: dict[tuple[str, str, int], Site] = field(default_factory=dict[Any, Site])
    _kept: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def folder(self, peer: Peer, generate: Generate, size: int) -> Path:
        """Return the folder with so many generated migrations; it is written once."""
        key = (peer.name, generate.__name__, size)
        if key not in self._folders:
            folder = Path(tempfile.mkdtemp(prefix=f"{peer.name}-{size}-", dir=self.scratch))
            peer.write(self.programs[peer.name], folder, generate(size))
            self._folders[key] = folder
        return self._folders[key]

    @contextlib.contextmanager
    def site(self, peer: Peer, database: str, generate: Generate, size: int) -> Generator[Site]:
        """Yield a site with an empty database, and with nothing left to write on the server."""
        folder = self.folder(peer, generate, size)
        with self.empty(database) as url:
            yield Site(peer, folder, url)

    @contextlib.contextmanager
    def empty(self, database: str) -> Generator[str]:
        """Yield the URL of an empty database that is gone afterwards."""
        if database == "sqlite":
            with tempfile.TemporaryDirectory(dir=self.scratch, prefix="sqlite-") as place:
                yield f"sqlite:///{place}/bench.db"
            return
        with fresh_database(self.server, f"bench_{next(_numbers)}") as url:
            name = urlsplit(url).path[1:]
            asyncio.run(self._tell(f"ALTER DATABASE {name} OWNER TO {OWNER}", "CHECKPOINT"))
            yield _as_owner(url)

    def prepared(self, peer: Peer, database: str, size: int) -> Site:
        """Return a site where everything is applied; it is made once, and kept.

        It is not measured how, so nothing is waited for: what PostgreSQL has not flushed yet, it
        flushes at the end, and what autovacuum would have done by then is done too.
        """
        key = (peer.name, database, size)
        if key not in self._prepared:
            folder = self.folder(peer, small_rows, size)
            site = Site(peer, folder, self._kept.enter_context(self.empty(database)))
            name = urlsplit(site.url).path[1:]
            lazily = f"ALTER DATABASE {name} SET synchronous_commit"
            if database == "postgresql":
                asyncio.run(self._tell(f"{lazily} = off"))
            self.command(site)
            if database == "postgresql":
                asyncio.run(self._tell(f"{lazily} = on", "VACUUM ANALYZE", "CHECKPOINT", at=name))
            self._prepared[key] = site
        return self._prepared[key]

    def forget(self) -> None:
        """Drop every database and every folder that was kept."""
        self._kept.close()
        for folder in self._folders.values():
            shutil.rmtree(folder)
        self._folders.clear()
        self._prepared.clear()

    def command(self, site: Site, *, through: str = "") -> Cost:
        """Run the contestant's command, by way of another URL if one is given."""
        peer = site.peer
        command = peer.command(self.programs[peer.name], site.folder, through or site.url)
        return self.run(command, site.folder)

    def call(self, site: Site, *options: str) -> tuple[dict[str, float], list[Any]]:
        """Call the contestant in an event loop, and return the figures and the outline.

        All that it imports is imported before.
        """
        return self._call(site, *options, "--modules", str(self._modules(site)))

    def cold_call(self, site: Site, *options: str) -> dict[str, float]:
        """Call the contestant in an event loop, and let it import meanwhile what it has put off."""
        return self._call(site, *options)[0]

    def _modules(self, site: Site) -> Path:
        """Return the file that names what the contestant imports, with and without work to do."""
        database = urlsplit(site.url).scheme
        modules = self.scratch / f"modules_{site.peer.name}_{database}"
        if not modules.exists():
            with self.site(site.peer, database, small_tables, 2) as small:
                for _ in ("everything to do", "nothing to do"):
                    self._call(small, "--learn", str(modules))
        return modules

    def _call(self, site: Site, *options: str) -> tuple[dict[str, float], list[Any]]:
        peer = site.peer
        answer = self.scratch / f"answer_{next(_numbers)}.json"
        python = str(self.programs[peer.name] / "python")
        given = [f"{name}={value}" for name, value in peer.settings]
        command = [python, "-m", "benchmarks.caller", str(answer), peer.call, site.url]
        self.run([*command, str(site.folder), *options, "--set", *given], PROJECT)
        figures: dict[str, Any] = json.loads(answer.read_text())
        answer.unlink()
        return figures, figures.pop("outline", [])

    def run(self, command: list[str], cwd: Path) -> Cost:
        """Run a program to its end.

        Raises:
            FailedError: It took too long, or its exit code is not 0.
        """
        log = self.scratch / f"log_{next(_numbers)}"
        with self.start(command, cwd, log) as process:
            try:
                answer, _ = process.communicate(timeout=self.patience)
            except subprocess.TimeoutExpired:
                raise FailedError(f"no end within {self.patience:g} s") from None
            finally:
                end(process)
        words = log.read_text(errors="replace").strip() if log.exists() else ""
        log.unlink(missing_ok=True)
        code, seconds, cpu, kilobytes = answer.split() or ("none", "0", "0", "0")
        if code != "0":
            raise FailedError(f"exit code {code}: {words[-TAIL:]}")
        return Cost(float(seconds), float(cpu), float(kilobytes) * 1024 / 1e6)

    def start(self, command: list[str], cwd: Path, log: Path) -> subprocess.Popen[str]:
        """Start a program under :mod:`benchmarks.launch`, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-I", "-S", launch.__file__, str(log), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=clean_environment(self.scratch),
            start_new_session=True,
        )

    async def _tell(self, *statements: str, at: str = "postgres") -> None:
        url = urlsplit(self.server)._replace(path=f"/{at}").geturl()
        for statement in statements:
            await ask(url, statement)


def end(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a program that :meth:`Ground.start` started, children included."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def ground(server: str, programs: dict[str, Path], patience: float) -> Generator[Ground]:
    """Yield a ground on a server, and clean up after it."""
    password = unquote(urlsplit(server).password or "").replace("'", "''")
    asyncio.run(ask(server, f"CREATE ROLE {OWNER} LOGIN PASSWORD '{password}'"))
    with tempfile.TemporaryDirectory(prefix="asyncmig-bench-") as scratch:
        made = Ground(server, Path(scratch), programs, patience)
        try:
            yield made
        finally:
            made.forget()
            asyncio.run(ask(server, f"DROP ROLE {OWNER}"))


def _as_owner(url: str) -> str:
    """Return the URL of a database as its owner, whose password is the superuser's."""
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    _, colon, password = login.partition(":")
    return parts._replace(netloc=f"{OWNER}{colon}{password}{at}{place}").geturl()
