"""How long the others wait for a runner that is gone, and it for a server that is gone."""

from __future__ import annotations

import contextlib
import enum
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from asyncmig.events import MigrationStarted
from tests.concurrency.evidence import history
from tests.concurrency.folders import gate_migration
from tests.concurrency.journal import Journal, until
from tests.concurrency.networks import can_cut, let_in, network
from tests.concurrency.runners import HOLDER, Order, held_up, run, started
from tests.database import tables
from tests.migration_folder import MigrationFolder
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.concurrency.networks import Network
    from tests.concurrency.runners import Child

RIVAL = 1
PATIENCE = 120.0
"""Seconds: twice what our longest time-out is."""

TRACE = "of_the_dead"
BUSY = f"CREATE TABLE {TRACE} (id integer);\nSELECT pg_sleep(600);\n"
BUSY_SQLITE = (
    f"CREATE TABLE {TRACE} AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) AS c FROM n;\n"
)
BRIEF = f"CREATE TABLE {TRACE} (id integer);\nSELECT pg_sleep(2);\nSELECT pg_sleep(600);\n"
IDLE = (
    "import asyncio\n\n{}async def up(connection):\n"
    f"    await connection.execute('CREATE TABLE {TRACE} (id integer)')\n"
    "    await asyncio.sleep(600)\n"
)


class Fault(enum.StrEnum):
    """What happens to a runner."""

    KILL = "SIGKILL"
    STOP = "SIGSTOP"
    CUT = "network cut, both ways, silently"


@dataclass(frozen=True, slots=True)
class Case:
    """Something that happens to a runner which holds the lock.

    Attributes:
        fault: What.
        moment: What the runner is doing, for people.
        name: The file of the migration that it is in.
        text: Its text.
        kind: `postgresql` or `sqlite`.
    """

    fault: Fault
    moment: str
    name: str
    text: str
    kind: str = "postgresql"


CASES = (
    Case(Fault.KILL, "between two statements", "002_victim.py", IDLE.format("")),
    Case(Fault.KILL, "in a statement", "002_victim.sql", BUSY),
    Case(Fault.STOP, "in a statement of 2 s, SQL file", "002_victim.sql", BRIEF),
    Case(
        Fault.STOP,
        "in a Python file with `idle_timeout = 5`",
        "002_victim.py",
        IDLE.format("idle_timeout = 5\n\n"),
    ),
    Case(Fault.CUT, "between two statements", "002_victim.py", IDLE.format("")),
    Case(Fault.CUT, "in a statement", "002_victim.sql", BUSY),
    Case(Fault.KILL, "between two statements", "002_victim.py", IDLE.format(""), "sqlite"),
    Case(Fault.KILL, "in a statement", "002_victim.sql", BUSY_SQLITE, "sqlite"),
)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was measured.

    Attributes:
        freed: Seconds until another runner went on with the same migration; `None` for not in time.
        noticed: Seconds until the victim ended by itself; `None` if it cannot, or did not.
        clean: Whether nothing of what the victim had begun is in the database.
    """

    freed: float | None
    noticed: float | None
    clean: bool


def aftermaths() -> Iterator[tuple[Case, Aftermath | None]]:
    """Let each case happen; `None` for what this machine does not let happen."""
    with postgres(listen_addresses="*") as server:
        anyio.run(let_in, server)
        for number, case in enumerate(CASES):
            if case.fault is Fault.CUT and not can_cut():
                yield case, None
                continue
            with _scene(case, server, number) as scene:
                yield case, anyio.run(scene.play)


def cut_off_waiter() -> float | None:
    """Return after how many seconds a runner that waits for another one gives its server up.

    `None` where this machine cannot cut a network, or when the runner does not give up.
    """
    if not can_cut():
        return None
    with (
        postgres(listen_addresses="*") as server,
        fresh_database(server, "dead_waiter") as url,
        tempfile.TemporaryDirectory() as root,
        network() as cable,
    ):
        anyio.run(let_in, server)
        return anyio.run(_cut_off_waiter, url, Path(root), cable)


async def _cut_off_waiter(url: str, root: Path, cable: Network) -> float | None:
    folder, gate, journal = MigrationFolder(root), root / "gate", Journal()
    folder.write("001_gate.py", gate_migration(gate))
    waiter = Order(cable.url(url), folder)
    async with (
        held_up(gate, Order(url, folder), journal, "001"),
        started(RIVAL, waiter, journal, prefix=cable.prefix) as child,
    ):
        await journal.until_waiting(1)
        cable.cut()
        struck = time.time()
        return time.time() - struck if await _comes(lambda: child.ended is not None) else None


@dataclass(slots=True)
class Scene:
    """Where a case happens.

    Attributes:
        case: It.
        url: The database, as it is reached from here.
        root: A scratch folder.
        cable: The network of the victim, if it is to be cut.
    """

    case: Case
    url: str
    root: Path
    cable: Network | None

    async def play(self) -> Aftermath:
        """Let a rival wait for the victim, let the fault happen, and look at the clock."""
        journal, order = Journal(), Order(self.url, self._folder("rival", "SELECT 1;\n"))
        freed: float | None = None
        noticed: float | None = None
        async with self._victim(journal) as victim, anyio.create_task_group() as tasks:
            await journal.until_begun("002")
            tasks.start_soon(run, RIVAL, order, journal)
            await journal.until_waiting(1)
            await anyio.sleep(0.5)  # for the first statement to be sent
            struck = time.time()
            self._strike(victim)
            if await _comes(lambda: _gone_on(journal) is not None):
                freed = (_gone_on(journal) or 0.0) - struck
            else:
                tasks.cancel_scope.cancel()
            if self._can_notice and await _comes(lambda: victim.ended is not None):
                noticed = time.time() - struck
        return Aftermath(freed, noticed, await self._is_clean())

    @property
    def _can_notice(self) -> bool:
        """Whether the victim waits for an answer of the server."""
        return self.case.fault is Fault.CUT and self.case.name.endswith(".sql")

    def _victim(self, journal: Journal) -> contextlib.AbstractAsyncContextManager[Child]:
        folder = self._folder("victim", self.case.text, self.case.name)
        if self.cable is None:
            return started(HOLDER, Order(self.url, folder), journal)
        order = Order(self.cable.url(self.url), folder)
        return started(HOLDER, order, journal, prefix=self.cable.prefix)

    def _strike(self, victim: Child) -> None:
        if self.cable is not None:
            self.cable.cut()
        else:
            victim.send(signal.Signals[self.case.fault])

    def _folder(self, name: str, second: str, file: str = "002_rival.sql") -> MigrationFolder:
        folder = MigrationFolder(self.root / name)
        folder.path.mkdir()
        folder.write("001_first.sql", "CREATE TABLE first (id integer);\n")
        folder.write(file, second)
        return folder

    async def _is_clean(self) -> bool:
        rows = await history(self.url)
        expected = [("001", "applied"), ("002", "applied")]
        return TRACE not in await tables(self.url) and rows == expected


@contextlib.contextmanager
def _scene(case: Case, server: str, number: int) -> Generator[Scene]:
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{root}/dead.db"
        if case.kind == "postgresql":
            url = stack.enter_context(fresh_database(server, f"dead_{number}"))
        cable = stack.enter_context(network()) if case.fault is Fault.CUT else None
        yield Scene(case, url, root, cable)


def _gone_on(journal: Journal) -> float | None:
    """Return when the rival began what the victim had begun."""
    times = [note.at for note in journal.of(MigrationStarted) if note.runner == RIVAL]
    return times[-1] if times else None


async def _comes(condition: Callable[[], bool]) -> bool:
    """Tell whether something becomes true in the time that we have."""
    try:
        await until(condition, PATIENCE)
    except TimeoutError:
        return False
    return True
