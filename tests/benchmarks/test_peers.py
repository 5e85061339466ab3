"""The same migration in the format of each tool."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers import CONTESTANTS, PEERS
from benchmarks.peers.alembic import Alembic
from benchmarks.peers.asyncmig import Asyncmig
from benchmarks.peers.base import Script

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer

PROGRAMS = Path(sys.executable).parent
SCRIPTS = (Script(1, ("SELECT 1", "SELECT 2")), Script(2, ("SELECT 3",), transaction=False))
FILES = {
    "asyncmig": {
        "00001_step.sql": "SELECT 1;\nSELECT 2;\n",
        "00002_step.sql": "-- migrate:up transaction:false\nSELECT 3;\n",
    },
    "asyncpg-trek": {
        "20260101_initial_up_r1.sql": "SELECT 1;\nSELECT 2;\n",
        "20260101_r1_up_r2.sql": "SELECT 3;\n",
    },
    "yoyo": {
        "00001.step.sql": "SELECT 1;\nSELECT 2;\n",
        "00002.step.sql": "-- depends: 00001.step\n-- transactional: false\nSELECT 3;\n",
    },
    "pogo-migrate": {
        "00001-step.sql": (
            "-- step\n-- depends:\n\n-- migrate: apply\nSELECT 1;\nSELECT 2;\n"
            "\n-- migrate: rollback\n"
        ),
        "00002-step.sql": (
            "-- step\n-- depends: 00001-step\n-- transaction: false\n\n"
            "-- migrate: apply\nSELECT 3;\n\n-- migrate: rollback\n"
        ),
    },
    "floor": {"00001_step.sql": "SELECT 1;\nSELECT 2", "00002_step.sql": "SELECT 3"},
    "psql": {"00001.sql": "SELECT 1;\nSELECT 2;\n", "00002.sql": "SELECT 3;\n"},
    "dbmate": {
        "00001_step.sql": "-- migrate:up\nSELECT 1;\nSELECT 2;\n\n-- migrate:down\n",
        "00002_step.sql": "-- migrate:up transaction:false\nSELECT 3;\n\n-- migrate:down\n",
    },
}


def peer_named(name: str) -> Peer:
    """Return a tool by its name in the tables."""
    return next(peer for peer in (*PEERS, *CONTESTANTS) if peer.name == name)


@pytest.mark.parametrize("name", FILES)
def test_the_scripts_are_written_in_the_format_of_the_tool(name: str, tmp_path: Path) -> None:
    """The SQL is the same; names and markers are the tool's own."""
    peer_named(name).write(PROGRAMS, tmp_path, SCRIPTS)

    assert FILES[name] == {path.name: path.read_text() for path in tmp_path.rglob("*.sql")}


def test_a_revision_of_alembic_follows_the_one_before(tmp_path: Path) -> None:
    """One statement per call, outside the transaction if the script says so."""
    versions = tmp_path / "revisions" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "alembic.ini").touch()  # what `alembic init` has made already

    Alembic().write(PROGRAMS, tmp_path, SCRIPTS)

    assert (
        "from alembic import op\n\n"
        'revision = "00002"\n'
        'down_revision = "00001"\n\n'
        "def upgrade():\n"
        "    with op.get_context().autocommit_block():\n"
        "        op.execute('SELECT 3')\n"
    ) == (versions / "00002_step.py").read_text()


@pytest.mark.parametrize("tools", [PEERS, CONTESTANTS])
def test_each_name_in_the_tables_is_one_tool(tools: tuple[Peer, ...]) -> None:
    """The results are kept by name."""
    names = [peer.name for peer in tools]

    assert sorted(set(names)) == sorted(names)


def test_settings_go_to_the_command_too() -> None:
    """A variant of asyncmig is one line among the contestants."""
    variant = Asyncmig("asyncmig-run", (("durability", "run"),))

    assert ["--durability=run"] == variant.command(PROGRAMS, Path("migrations"), "sqlite:///a.db")[
        -1:
    ]
