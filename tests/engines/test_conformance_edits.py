"""What every engine must do, part 3: edits of the history alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.base import HistoryMovedError
from asyncmig.history import Edit, Failure, Generation, History, NewRow, RowState
from asyncmig.migration import Direction, Kind, Version
from tests.engines.lab import Lab, first_step, history_of, locked, run, sql

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")
BASELINE = NewRow(
    kind=Kind.BASELINE,
    direction=Direction.UP,
    version=Version("7"),
    name="baseline",
    checksum="",
    state=RowState.APPLIED,
    origin="baseline",
)


async def test_an_edit_changes_the_history_alone(engine: Engine) -> None:
    """It appends a row that is finished, and may retire another one."""
    (applied,) = await run(engine, USERS)
    async with locked(engine) as session:
        edit = Edit(BASELINE, retires=1, retired_as=RowState.REVERTED)
        entry = await session.edit(edit, Generation(1, 0))
        assert await session.history() == History((applied,)).with_entry(entry, edit)
    assert (2, Kind.BASELINE, "baseline") == (entry.id, entry.kind, entry.origin)
    assert entry.finished_at is not None


async def test_an_edit_of_a_history_that_moved_is_refused(engine: Engine) -> None:
    """Nothing is written then."""
    async with locked(engine) as session:
        with pytest.raises(HistoryMovedError):
            await session.edit(Edit(BASELINE), Generation(3, 0))
        assert History() == await session.history()


async def test_a_failure_is_recorded_for_those_who_wait(engine: Engine) -> None:
    """It keeps the words, the code and the place."""
    failure = Failure("it's broken: é", "42601", 4, 2)
    async with locked(engine) as session:
        step = first_step(History(), USERS)
        await session.record_failure(step, failure)
        (entry,) = await session.history()
    found = (entry.state, entry.failure, entry.checksum)
    assert (RowState.FAILED, failure, USERS.checksum) == found
    assert entry.finished_at is not None


async def test_two_active_rows_of_one_migration_cannot_be(lab: Lab) -> None:
    """The unique index is the last fence; leading zeros make no other version."""
    (entry,) = await run(lab.engine, USERS)
    row = replace(BASELINE, kind=Kind.VERSIONED, version=Version("001"))
    async with locked(lab.engine) as session:
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await session.edit(Edit(row), Generation(entry.id, 0))
    assert History((entry,)) == await history_of(lab.engine)
