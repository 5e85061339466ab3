"""How often a step changes between the event loop and the thread of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.history import Generation, History
from asyncmig.request import Durability
from tests.engines.lab import Seen, first_step, locked, python, sql
from tests.engines.sqlite.places import engine_for

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.migration import Migration

SMALL = sql("1", "CREATE TABLE users (id integer); INSERT INTO users VALUES (1);")
IN_PYTHON = python("1", "await connection.execute('CREATE TABLE users (id integer)')")


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize(("migration", "expected"), [(SMALL, 1), (IN_PYTHON, 2)])
async def test_a_step_hops_no_more_than_it_must(
    sqlite_path: Path,
    hops: list[str],
    migration: Migration,
    expected: int,
    durability: Durability,
) -> None:
    """SQL goes over once, with its row and its COMMIT: there is one way back for both."""
    async with locked(engine_for(sqlite_path, durability=durability)) as session:
        hops.clear()
        await session.apply(first_step(History(), migration), Generation(), Seen().events)

        assert expected == len(hops), hops
        await session.flush()


@pytest.mark.parametrize(("durability", "expected"), [("migration", []), ("run", ["flush"])])
async def test_a_flush_hops_once_if_there_is_anything_to_commit(
    sqlite_path: Path, hops: list[str], durability: str, expected: list[str]
) -> None:
    """However many migrations it is for."""
    engine = engine_for(sqlite_path, durability=Durability(durability))
    async with locked(engine) as session:
        await session.apply(first_step(History(), SMALL), Generation(), Seen().events)
        hops.clear()
        await session.flush()
        await session.flush()

        assert expected == hops
