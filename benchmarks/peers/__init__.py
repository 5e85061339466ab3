"""The tools that asyncmig is compared with, and asyncmig itself: one module per tool.

A tool says what pip installs, writes a folder in its own format from the same scripts, and names
the command that applies it, and what an application would call. A workload needs no more than that.

``PEERS`` take part where data can be lost, ``CONTESTANTS`` where time can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.alembic import Alembic
from benchmarks.peers.asyncmig import Asyncmig
from benchmarks.peers.asyncpg_trek import AsyncpgTrek
from benchmarks.peers.dbmate import Dbmate
from benchmarks.peers.floor import Floor
from benchmarks.peers.pogo import Pogo
from benchmarks.peers.python import Python
from benchmarks.peers.shell import Shell
from benchmarks.peers.yoyo import Yoyo
from benchmarks.spelling import Template

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer

PEERS: tuple[Peer, ...] = (
    Asyncmig(),
    Alembic(),
    AsyncpgTrek("asyncpg-trek"),
    AsyncpgTrek("asyncpg-trek-bare", around="contextlib.nullcontext()"),
    Yoyo(),
    Dbmate("dbmate"),
    Dbmate("dbmate-lock", ("--migration-lock",), frozenset({"postgresql"})),
)

CONTESTANTS: tuple[Peer, ...] = (
    Floor("floor", "listed"),
    Floor("floor-hash", "hashed"),
    Asyncmig(),
    Asyncmig("asyncmig-run", (("durability", "run"),)),
    Alembic("alembic-sync", Template.GENERIC, "alembic_sync"),
    Alembic("alembic-async"),
    AsyncpgTrek("asyncpg-trek"),
    Pogo(),
    Yoyo(),
    Dbmate("dbmate"),
    Shell("psql", frozenset({"postgresql"})),
    Shell("sqlite3", frozenset({"sqlite"})),
    Python(),
)
