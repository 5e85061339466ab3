"""The values that stand for rows, and what a whole history says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.history import (
    Edit,
    Generation,
    History,
    HistoryEntry,
    MigrationStatus,
    NewRow,
    Progress,
    RowState,
    State,
    newest,
)
from asyncmig.migration import Direction, Kind, Version
from tests.values import NOON, baseline, finished, history, in_python, repeatable, row, versioned

ONE, TWO, VIEWS = versioned(1), versioned(2), repeatable("views")


def edit(retires: int | None = None, retired_as: RowState = RowState.SUPERSEDED) -> Edit:
    """Return an edit of which only the retired row matters."""
    new = NewRow(Kind.VERSIONED, Direction.UP, Version("9"), "n", "", RowState.APPLIED)
    return Edit(new, retires=retires, retired_as=retired_as)


@pytest.mark.parametrize(
    ("state", "active"),
    [
        (RowState.APPLYING, True),
        (RowState.APPLIED, True),
        (RowState.REVERTED, False),
        (RowState.SUPERSEDED, False),
        (RowState.FAILED, False),
    ],
)
def test_applying_and_applied_rows_are_active(state: RowState, *, active: bool) -> None:
    """They say what is in the database, or is being changed."""
    assert active == row(1, ONE, state).is_active


def test_a_history_is_its_rows_oldest_first() -> None:
    """It can be counted and gone through."""
    rows = (row(1, ONE), row(2, TWO))
    assert (2, rows) == (len(history(*rows)), tuple(history(*rows)))
    assert (0, ()) == (len(History()), tuple(History()))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Generation(0, 0)),
        ([row(1, ONE)], Generation(1, 0)),
        ([row(1, ONE), row(4, TWO, RowState.APPLYING)], Generation(4, 1)),
        ([row(1, ONE, RowState.APPLYING), row(2, TWO, RowState.FAILED)], Generation(2, 1)),
    ],
)
def test_a_generation_counts_appended_and_unfinished_rows(
    rows: list[HistoryEntry], expected: Generation
) -> None:
    """Every change of a history appends a row or finishes one."""
    assert expected == history(*rows).generation


def test_appending_and_finishing_change_the_generation() -> None:
    """So that a plan is never carried out on another history than it was made for."""
    begun = row(1, ONE, RowState.APPLYING, progress=Progress())
    unfinished = history(begun)
    resumed = unfinished.with_entry(finished(begun, RowState.APPLIED), edit())
    appended = unfinished.with_entry(row(2, TWO), edit())
    generations = {unfinished.generation, resumed.generation, appended.generation}
    assert {Generation(1, 1), Generation(1, 0), Generation(2, 1)} == generations


def test_rows_since_a_generation_are_those_appended_after_it() -> None:
    """Old failures must not be taken for new ones."""
    rows = (row(1, ONE), row(2, TWO, RowState.FAILED), row(3, TWO))
    assert rows[1:] == history(*rows).since(Generation(1, 0))
    assert rows == history(*rows).since(Generation())
    assert () == history(*rows).since(Generation(3, 0))


def test_an_edit_appends_its_row() -> None:
    """The rows before it stay as they were."""
    expected = History((row(1, ONE), row(2, TWO)))
    assert expected == History((row(1, ONE),), exists=False).with_entry(row(2, TWO), edit())


def test_appended_rows_are_counted_on() -> None:
    """The generation is that of a history which was read, finished or unfinished rows in it."""
    rows = (
        row(1, ONE, RowState.APPLYING, progress=Progress()),
        row(2, TWO),
        row(3, VIEWS, RowState.APPLYING, progress=Progress()),
    )
    grown = history(rows[0])
    for later in rows[1:]:
        grown = grown.with_entry(later, edit())
    assert (history(*rows), history(*rows).generation) == (grown, grown.generation)
    closed = grown.with_entry(finished(rows[2], RowState.APPLIED), edit())
    assert Generation(3, 1) == closed.generation


def test_an_edit_takes_one_row_out_of_force() -> None:
    """It gets the state that the edit says, and keeps the rest."""
    expected = history(row(1, ONE), row(2, TWO, RowState.REVERTED), row(3, TWO, RowState.REVERTED))
    before = history(row(1, ONE), row(2, TWO))
    gone = row(3, TWO, RowState.REVERTED)
    assert expected == before.with_entry(gone, edit(2, RowState.REVERTED))


def test_a_resumed_row_is_finished_in_its_place() -> None:
    """No row is appended: the one that was begun is the one that counts."""
    begun = row(1, ONE, RowState.APPLYING, progress=Progress())
    failure = row(2, ONE, RowState.FAILED)
    done = finished(begun, RowState.APPLIED)
    assert history(done, failure) == history(begun, failure).with_entry(done, edit())


def test_active_rows_are_found_by_identity() -> None:
    """One for each migration and direction; baselines, failures and the past are no part of it."""
    padded = replace(row(6, TWO), version=Version("002"))
    going = row(7, ONE, RowState.APPLYING, direction=Direction.DOWN)
    whole = history(
        baseline(1, 1),
        row(2, ONE),
        row(3, TWO, RowState.FAILED),
        row(4, VIEWS, RowState.SUPERSEDED),
        row(5, VIEWS),
        padded,
        going,
    )
    assert {Version("1"): row(2, ONE), "views": row(5, VIEWS), Version("2"): padded} == (
        whole.active()
    )
    assert {Version("1"): going} == whole.active(Direction.DOWN)


def test_a_repeatable_named_like_a_version_is_another_migration() -> None:
    """R__2.sql and 2_x.sql live side by side."""
    two = repeatable("2")
    assert {Version("2"): row(1, TWO), "2": row(2, two)} == history(
        row(1, TWO), row(2, two)
    ).active()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([row(1, ONE)], None),
        ([baseline(1, 5)], Version("5")),
        ([baseline(1, 5, RowState.SUPERSEDED), baseline(2, 3)], Version("3")),
    ],
)
def test_the_baseline_is_the_one_in_force(
    rows: list[HistoryEntry], expected: Version | None
) -> None:
    """A later baseline supersedes the former one."""
    assert expected == history(*rows).baseline()


def test_the_newest_version_is_the_highest() -> None:
    """What has no version does not count."""
    assert Version("10") == newest([Version("9"), None, Version("10")])
    assert None is newest([None])


def test_a_row_is_named_like_its_file() -> None:
    """Version as it was written, or R__ and the name."""
    assert ("1", Version("1")) == (row(1, ONE).key, row(1, ONE).identity)
    assert ("R__views", "views") == (row(1, VIEWS).key, row(1, VIEWS).identity)


def test_a_repr_never_shows_the_stored_sql() -> None:
    """It may be long, and it may hold a secret."""
    entry = replace(row(1, in_python(1)), down_sql="SECRET")
    new = NewRow(Kind.VERSIONED, Direction.UP, None, "n", "", RowState.APPLIED, down_sql="SECRET")
    assert "SECRET" not in repr(entry) + repr(new)
    assert entry.started_at == NOON


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("path", ["migrations/1_v1.sql", None])
def test_pending_is_what_up_would_run_or_finish(state: State, path: str | None) -> None:
    """A failed migration is tried again; a begun one is finished where its file is."""
    status = MigrationStatus(Version("1"), "v1", Kind.VERSIONED, state, path=path)
    resumable = state is State.APPLYING and path is not None
    assert (state in {State.PENDING, State.FAILED} or resumable) == status.is_pending
    assert "1" == status.key
