"""Many processes at once, and an application that does not stop: exactly once, and nobody fails."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.acceptance.conftest import on_each_database

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.acceptance.project import Project

RUNNERS = 8
SECONDS = 45
SEED = "CREATE TABLE seed (id INTEGER);\nINSERT INTO seed VALUES (1);\n"
SLOW = "import asyncio\n\nasync def up(connection):\n    await asyncio.sleep(1.5)\n"
TOTALS = "CREATE VIEW totals AS SELECT count(*) AS n FROM seed;\n"


@on_each_database
def test_eight_processes_apply_everything_once(empty_project: Project) -> None:
    """All exit with 0; one of them did the work, or several shared it, and the others waited."""
    project = empty_project
    project.migrations.write("001_seed.sql", SEED)
    project.migrations.write("002_slow.py", SLOW)
    project.migrations.write("R__totals.sql", TOTALS)

    processes = [
        project.opened.enter_context(project.running("up", "--json")) for _ in range(RUNNERS)
    ]
    ended = [process.communicate(timeout=SECONDS) for process in processes]

    assert [(0, "")] * RUNNERS == [
        (process.returncode, err) for process, (_, err) in zip(processes, ended, strict=True)
    ]
    documents: list[dict[str, Any]] = [json.loads(out) for out, _ in ended]
    done = Counter(row["version"] for document in documents for row in document["migrations"])
    assert {"001": 1, "002": 1, "R__totals": 1} == done
    assert {("002", 0)} == {(document["current"], document["pending"]) for document in documents}
    assert any(document["lock_wait_ms"] for document in documents)  # they did meet
    assert ["001", "002", None] == [row["version"] for row in project.history()]
    assert [{"id": 1}] == project.query("SELECT id FROM seed")


@dataclass(slots=True)
class Application:
    """An application that writes to a SQLite database all the time, each row a transaction.

    Attributes:
        path: The database.
        written: How many rows it has written.
        failures: What it met.
    """

    path: Path
    written: int = 0
    failures: list[str] = field(default_factory=list[str])
    stopped: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Write until it is stopped."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as connection:
            while not self.stopped.wait(0.001):
                try:
                    with connection:
                        connection.execute("INSERT INTO users (name) VALUES ('live')")
                except sqlite3.Error as error:
                    self.failures.append(str(error))
                self.written += 1


@contextlib.contextmanager
def writing(application: Application) -> Generator[None]:
    """Let an application write while the block runs."""
    thread = threading.Thread(target=application.work)
    thread.start()
    try:
        yield
    finally:
        application.stopped.set()
        thread.join()


def test_an_application_goes_on_writing(project: Project) -> None:
    """Runners and the application take turns; neither fails, and no row is lost."""
    for number in range(2, 12):
        statements = f"CREATE TABLE t{number} (id INTEGER);\nUPDATE users SET name = 'Zoë';\n"
        project.migrations.write(f"{number:03}_more.sql", statements)
    application = Application(project.path)

    with writing(application):
        processes = [project.opened.enter_context(project.running("up")) for _ in range(3)]
        ended = [process.communicate(timeout=SECONDS) for process in processes]

    assert [0, 0, 0] == [process.returncode for process in processes], ended
    assert [] == application.failures
    assert [{"n": 1 + application.written}] == project.query("SELECT count(*) AS n FROM users")
    assert [f"{number:03}" for number in range(1, 12)] == [
        row["version"] for row in project.history()
    ]
