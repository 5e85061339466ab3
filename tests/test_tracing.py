"""The loop of a trace, on an engine without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.engines.base import HistoryMovedError, Runner
from asyncmig.errors import InvalidMigrationError, MigrationFailedError, MissingMigrationError
from asyncmig.request import Policy
from asyncmig.tracing import trace
from tests.engines.lab import wait_for
from tests.fake_engine import (
    FILES,
    ONE,
    THREE,
    TWO,
    FakeDatabase,
    FakeEngine,
    LoadedFiles,
    edits,
    failed,
    hooks,
)
from tests.values import up, versioned

if TYPE_CHECKING:
    from asyncmig.migration import Migration
    from asyncmig.report import TraceReport
    from asyncmig.request import Request


async def trace_on(
    database: FakeDatabase, files: list[Migration] | None = None, request: Request | None = None
) -> TraceReport:
    """Trace what is pending in a database."""
    return await trace(
        FakeEngine(database),
        LoadedFiles(FILES if files is None else files),
        request or up(),
        Runner("r1", "0"),
        wait_for(),
        policy=Policy(),
        locks=None,
        python=False,
    )


async def test_what_is_pending_is_traced_in_order() -> None:
    """As far as was asked for; the history is that of before."""
    database = FakeDatabase()
    database.perform(*edits(database.rows, up(), [ONE]))

    report = await trace_on(database, request=up(to=2))

    assert ("memory", "1", ["2"], ()) == (
        report.database,
        str(report.current),
        [traced.version for traced in report.traced],
        report.untraced,
    )
    assert ["1"] == [entry.key for entry in database.rows]


async def test_a_history_that_moves_is_planned_from_again() -> None:
    """What another runner has applied meanwhile is not traced."""
    database = FakeDatabase()

    def rival() -> None:
        database.perform(*edits(database.rows, up(), [ONE]))
        raise HistoryMovedError

    database.before = hooks(rival)

    assert ["2", "3"] == [traced.version for traced in (await trace_on(database)).traced]


async def test_files_and_history_must_agree_before_anything_is_locked() -> None:
    """As for a run."""
    database = FakeDatabase()
    database.perform(*edits(database.rows, up(), [ONE]))

    with pytest.raises(MissingMigrationError):
        await trace_on(database, [TWO, THREE])


async def test_what_cannot_run_at_all_is_refused_before_anything_is_locked() -> None:
    """With the place in the file."""
    database = FakeDatabase()
    database.before = hooks(lambda: pytest.fail("the database was asked"))

    with pytest.raises(InvalidMigrationError, match=r"1_v1\.sql:1:1: COMMIT"):
        await trace_on(database, [versioned(1, text="COMMIT")])


async def test_a_failure_tells_what_was_left_out_in_front_of_it_only_if_something_was() -> None:
    """A note more would be a riddle."""
    outside = replace(ONE, up=replace(ONE.up, transaction=False))
    notes: list[list[str]] = []
    for files in (FILES, [outside, TWO, THREE]):
        error = failed("2")
        with pytest.raises(MigrationFailedError):
            await trace_on(FakeDatabase(failures={"2": error}), files)
        notes.append(getattr(error, "__notes__", []))

    assert [[], ["the trace left out 1, which it may need"]] == notes
