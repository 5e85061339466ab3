"""The Starlette example: it serves while it migrates, and says when it is ready."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.examples.web_server import Answer, WebServer, serving

PROJECT = Path(__file__).parents[2]
SLOW = """\
import asyncio


async def up(connection):
    await asyncio.sleep(1.5)
"""
BOOKS = [
    {"isbn": "9780156453806", "title": "Invisible Cities"},
    {"isbn": "9783150089095", "title": "Krambambuli; und andere Erzählungen"},
    {"isbn": "9780441478125", "title": "The Left Hand of Darkness"},
]
BROKEN = "INSERT INTO nowhere VALUES (1);\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the example beside a copy of the demo migrations."""
    shutil.copytree(PROJECT / "examples" / "starlette_ready", tmp_path, dirs_exist_ok=True)
    shutil.copytree(PROJECT / "migrations", tmp_path / "migrations")
    return tmp_path


def test_the_example_serves_before_it_is_ready(example: Path) -> None:
    """While the migration runs: alive, not ready; afterwards: ready, with the books in order."""
    (example / "migrations" / "20991231000000_slow.py").write_text(SLOW)

    with serving("app:app", cwd=example) as server:
        before = [server.get(path) for path in ("/live", "/ready", "/books")]
        _wait_until_ready(server)
        after = [server.get(path) for path in ("/live", "/ready", "/books")]

    assert [
        Answer(200, {"failure": ""}),
        Answer(503, {"ready": False}),
        Answer(503, {"error": "not ready yet"}),
    ] == before
    assert [
        Answer(200, {"failure": ""}),
        Answer(200, {"ready": True}),
        Answer(200, BOOKS),
    ] == after


def test_the_example_is_not_alive_when_its_migration_failed(example: Path) -> None:
    """A failure in the background is told by /live, and /ready stays false."""
    (example / "migrations" / "20991231000000_broken.sql").write_text(BROKEN)

    with serving("app:app", cwd=example) as server:
        live = _wait_until_dead(server)
        ready = server.get("/ready")

    assert (500, Answer(503, {"ready": False})) == (live.status, ready)
    assert "20991231000000" in live.content["failure"]


def test_sigterm_in_the_middle_of_a_migration_ends_the_server(example: Path) -> None:
    """A shut-down cancels the migration in the background, and nothing of it remains."""
    (example / "migrations" / "20991231000000_slow.py").write_text(SLOW.replace("1.5", "30"))

    with serving("app:app", cwd=example) as server:
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began

    assert took < 8


def _wait_until_ready(server: WebServer) -> None:
    deadline = time.monotonic() + 20
    while server.get("/ready").status != 200 and time.monotonic() < deadline:
        time.sleep(0.05)


def _wait_until_dead(server: WebServer) -> Answer:
    deadline = time.monotonic() + 20
    while (answer := server.get("/live")).status == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
