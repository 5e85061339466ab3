"""The FastAPI example: its own pool, one process, and four that start at once."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.examples.web_server import Answer, serving

if TYPE_CHECKING:
    from tests.examples.web_server import WebServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_pool"
BOOKS = [
    {"isbn": "9780156453806", "title": "Invisible Cities"},
    {"isbn": "9780441478125", "title": "The Left Hand of Darkness"},
]
TERMINATED = {0, -15, 143}  # uvicorn raises the signal again when it has shut down

# The example as it is, telling which process answers and what its run does.
OBSERVED = """\
import logging
import os

logging.basicConfig(level=logging.INFO, format="%(process)d %(name)s %(message)s")

from app import app


@app.get("/pid")
async def pid() -> int:
    return os.getpid()
"""
SLOW_SEED = """\
CREATE TABLE visits (place text NOT NULL);
INSERT INTO visits (place) VALUES ('first');
SELECT pg_sleep(2);
"""
WORKERS = 4
EVENTS = ("run_started", "lock_waiting", "migration_applied", "run_finished")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the example."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example"))


def test_the_example_serves_from_its_own_pool(example: Path, postgres_url: str) -> None:
    """The database is current before the pool is opened, and SIGTERM ends both."""
    with serving("app:app", cwd=example, DATABASE_URL=postgres_url) as server:
        answer = server.get("/books")
        exit_code = server.stop()

    assert Answer(200, BOOKS) == answer
    assert exit_code in TERMINATED


async def test_four_workers_start_at_once_and_the_seed_is_there_once(
    example: Path, postgres_url: str
) -> None:
    """One worker migrates, three wait for it, four serve, and the INSERT ran once."""
    (example / "observed.py").write_text(OBSERVED)
    (example / "migrations" / "0003_slow_seed.sql").write_text(SLOW_SEED)

    with serving(
        "observed:app",
        cwd=example,
        arguments=("--workers", str(WORKERS)),
        DATABASE_URL=postgres_url,
    ) as server:
        pids = _pids(server)
        books = server.get("/books")
        lines = server.lines()
        server.stop()

    connection = await asyncpg.connect(postgres_url)
    seeds = await connection.fetchval("SELECT count(*) FROM visits")
    await connection.close()

    assert len(pids) == WORKERS
    assert Answer(200, BOOKS) == books
    assert seeds == 1
    told = {event: _who(lines, event) for event in EVENTS}
    (migrating,) = told["migration_applied"]
    assert {
        "run_started": pids,
        "lock_waiting": pids - {migrating},
        "migration_applied": {migrating},
        "run_finished": pids,
    } == told
    assert sum("asyncmig.migration_applied" in line for line in lines) == 3


def _pids(server: WebServer) -> set[int]:
    """Ask until every worker has answered; the kernel chooses who gets a connection."""
    found: set[int] = set()
    deadline = time.monotonic() + 20
    while len(found) < WORKERS and time.monotonic() < deadline:
        found.add(server.get("/pid").content)
    return found


def _who(lines: list[str], event: str) -> set[int]:
    """Return the processes whose run told that event."""
    pattern = re.compile(rf"(\d+) asyncmig asyncmig\.{event}\b")
    return {int(match[1]) for line in lines if (match := pattern.match(line))}
