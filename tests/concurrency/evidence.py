"""What a herd left in a database, asked of its driver and not of asyncmig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from tests.concurrency.folders import numbers
from tests.database import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 5.0  # a server needs a moment to see that a client has gone
LEFT = (
    "SELECT (SELECT count(*) FROM pg_locks WHERE database = d.oid AND locktype = 'advisory')"
    " + (SELECT count(*) FROM pg_stat_activity a"
    " WHERE a.datid = d.oid AND a.application_name LIKE 'asyncmig/%') "
    "FROM pg_database d WHERE d.datname = current_database()"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is in the database.

    Attributes:
        ledger: The number of every migration, as often as it was applied.
        history: The key and the state of every row.
        left: How many locks and sessions are left.
    """

    ledger: list[int]
    history: list[tuple[str, str]]
    left: int


def everything_once(keys: Sequence[str]) -> Evidence:
    """Return what is there when each migration was applied once."""
    return Evidence(numbers(keys), [(key, "applied") for key in keys], 0)


async def evidence(url: str) -> Evidence:
    """Look, as soon as what is left has had a moment to go."""
    rows = await ask(url, "SELECT n FROM ledger ORDER BY n")
    return Evidence([int(n) for (n,) in rows], await history(url), await left(url))


async def history(url: str) -> list[tuple[str, str]]:
    """Return the key and the state of every row of the history."""
    rows = await ask(url, "SELECT version, name, state FROM asyncmig_history ORDER BY id")
    return [(version or f"R__{name}", state) for version, name, state in rows]


async def left(url: str) -> int:
    """Count the locks and sessions that are left after a moment."""
    count = await _left(url)
    with anyio.move_on_after(SECONDS):
        while count:
            await anyio.sleep(0.02)
            count = await _left(url)
    return count


async def _left(url: str) -> int:
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:///") + "-asyncmig-lock")
        return int(await anyio.Path(path).exists())
    ((count,),) = await ask(url, LEFT)
    return int(count)
