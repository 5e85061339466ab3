"""A tiny run of each kind, with the floor and asyncmig alone: nothing is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.ground import Ground, ground
from benchmarks.peers import CONTESTANTS
from benchmarks.results import FailedError
from benchmarks.workloads.apply import Apply
from benchmarks.workloads.crowd import Crowd
from benchmarks.workloads.heartbeat import HeartbeatApply
from benchmarks.workloads.noop import Noop
from benchmarks.workloads.seed import Seed
from benchmarks.workloads.start import Start
from benchmarks.workloads.trips import Trips

PROGRAMS = Path(sys.executable).parent
PEERS = {peer.name: peer for peer in CONTESTANTS if peer.name in {"asyncmig", "floor"}}
PATIENCE = 45.0  # seconds, below the time-out per test
SIZE = 3
CALLED = {"cpu_seconds", "above_mb", "imported_mb", "peak_mb", "seconds"}
STARTED = {"cpu_seconds", "peak_mb", "seconds"}


def sqlite_ground(scratch: Path) -> Ground:
    """Return a ground without a server."""
    return Ground("", scratch, dict.fromkeys(PEERS, PROGRAMS), PATIENCE)


@pytest.mark.parametrize("name", PEERS)
def test_each_workload_has_its_figures(name: str, tmp_path: Path) -> None:
    """On SQLite with three migrations; all of them are positive, as nothing is free."""
    peer, stand = PEERS[name], sqlite_ground(tmp_path)
    found = {
        workload.name: workload.measure(stand, peer, "sqlite", SIZE).figures
        for workload in (Noop(), Start(), Apply())
    }
    stand.forget()

    assert {
        "noop": CALLED | {"again_seconds"},
        "start": STARTED,
        "apply": CALLED,
    } == {workload: set(figures) for workload, figures in found.items()}
    assert all(figures["seconds"] > 0 for figures in found.values())


def test_the_heartbeat_keeps_an_outline(tmp_path: Path) -> None:
    """The largest gap of it is the largest gap."""
    measured = HeartbeatApply().measure(sqlite_ground(tmp_path), PEERS["asyncmig"], "sqlite", SIZE)

    assert measured.figures["largest_gap_seconds"] == max(gap for _, gap in measured.outline)


def test_a_crowd_is_counted(tmp_path: Path) -> None:
    """Nobody fails, and everything is there."""
    measured = Crowd().measure(sqlite_ground(tmp_path), PEERS["asyncmig"], "sqlite", 2)

    assert (0, 50) == (measured.figures["failures"], measured.figures["applied"])


def test_a_seed_is_applied(tmp_path: Path) -> None:
    """One megabyte here."""
    measured = Seed().measure(sqlite_ground(tmp_path), PEERS["floor"], "sqlite", 1)

    assert CALLED == set(measured.figures)


def test_round_trips_of_the_floor_are_known(postgres_server: str) -> None:
    """CREATE, prepare and execute of the query; BEGIN, the file, one row of history, COMMIT.

    The row takes two, as asyncpg prepares a statement with arguments.
    """
    with ground(postgres_server, dict.fromkeys(PEERS, PROGRAMS), PATIENCE) as stand:
        measured = Trips().measure(stand, PEERS["floor"], "postgresql", SIZE)

    assert {
        "noop_trips": 3,
        "noop_connections": 1,
        "trips_each": 4,
        "connections_each": 0,
    } == measured.figures


def test_a_contestant_that_fails_has_last_words(tmp_path: Path) -> None:
    """With its exit code."""
    command = [sys.executable, "-c", "import sys; sys.exit('out of ideas')"]

    with pytest.raises(FailedError, match=r"^exit code 1: out of ideas$"):
        sqlite_ground(tmp_path).run(command, tmp_path)


def test_a_contestant_that_hangs_is_ended(tmp_path: Path) -> None:
    """With all that it has started."""
    stand = Ground("", tmp_path, {}, 0.5)
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]

    with pytest.raises(FailedError, match=r"^no end within 0\.5 s$"):
        stand.run(command, tmp_path)
