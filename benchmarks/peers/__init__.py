"""The tools that asyncmig is compared with, and asyncmig itself: one module per tool.

A tool says what pip installs, writes a folder in its own format from the same scripts, and names
the command that applies it. A workload needs no more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.alembic import Alembic
from benchmarks.peers.asyncmig import Asyncmig
from benchmarks.peers.asyncpg_trek import AsyncpgTrek
from benchmarks.peers.dbmate import Dbmate
from benchmarks.peers.yoyo import Yoyo

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
