"""Files and history side by side: where each migration stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.history import History, MigrationStatus, Problem, Progress, RowState, State
from asyncmig.migration import Direction, Kind, Migration, Version
from asyncmig.status import classify, current_version
from tests.values import applied, baseline, history, in_python, repeatable, row, versioned

if TYPE_CHECKING:
    from asyncmig.history import HistoryEntry

ONE, TWO, THREE = versioned(1), versioned(2), versioned(3)
EDITED = versioned(2, text="another two")
OLD_VIEWS, VIEWS = repeatable("views", "old"), repeatable("views", "new")
APPLYING, FAILED = RowState.APPLYING, RowState.FAILED
REVERTED, SUPERSEDED = RowState.REVERTED, RowState.SUPERSEDED
BEGUN = Progress(done=("a",), started="b")

Standing = tuple[str, State, tuple[Problem, ...]]


def standings(migrations: list[Migration], rows: list[HistoryEntry]) -> list[Standing]:
    """Return key, state and problems of every migration."""
    statuses = classify(migrations, history(*rows))
    return [(status.key, status.state, status.problems) for status in statuses]


def test_a_status_holds_what_file_and_row_say() -> None:
    """Whole values, of each origin: file and row, file alone, row alone, repeatable."""
    rows = (row(1, ONE), row(2, versioned(9)), row(3, OLD_VIEWS))
    nine = rows[1]
    expected = (
        MigrationStatus(
            version=Version("1"),
            name="v1",
            kind=Kind.VERSIONED,
            state=State.APPLIED,
            checksum=ONE.checksum,
            path="migrations/1_v1.sql",
            entry=rows[0],
            reversible=True,
        ),
        MigrationStatus(
            version=Version("3"),
            name="v3",
            kind=Kind.VERSIONED,
            state=State.PENDING,
            problems=(Problem.OUT_OF_ORDER,),
            checksum=THREE.checksum,
            path="migrations/3_v3.sql",
            reversible=True,
        ),
        MigrationStatus(
            version=Version("9"),
            name="v9",
            kind=Kind.VERSIONED,
            state=State.AHEAD,
            checksum=nine.checksum,
            entry=nine,
            reversible=True,
        ),
        MigrationStatus(
            version=None,
            name="views",
            kind=Kind.REPEATABLE,
            state=State.AHEAD,
            checksum=VIEWS.checksum,
            path="migrations/R__views.sql",
            entry=rows[2],
        ),
    )
    assert expected == classify([VIEWS, THREE, ONE], history(*rows))


def test_statuses_come_in_the_order_of_a_run() -> None:
    """Versions by number, known to whom ever; repeatables behind them, by name."""
    files = [repeatable("b"), versioned(10), repeatable("a"), versioned(9)]
    rows = [row(1, versioned(8)), row(2, repeatable("0"))]
    keys = [status.key for status in classify(files, history(*rows))]
    assert ["8", "9", "10", "R__0", "R__a", "R__b"] == keys


DOWN_OF_ONE = row(2, versioned(1), RowState.REVERTED, direction=Direction.DOWN)


@pytest.mark.parametrize(
    ("rows", "state", "problems"),
    [
        ([], State.PENDING, ()),
        ([row(1, TWO)], State.APPLIED, ()),
        ([replace(row(1, TWO), version=Version("002"))], State.APPLIED, ()),
        ([row(1, EDITED)], State.APPLIED, (Problem.CHANGED,)),
        ([row(1, TWO, FAILED)], State.FAILED, ()),
        ([row(1, TWO, FAILED), row(2, TWO)], State.APPLIED, ()),
        ([row(1, TWO, REVERTED), row(2, TWO, REVERTED)], State.PENDING, ()),
        ([row(1, TWO, FAILED), row(2, TWO, REVERTED)], State.PENDING, ()),
        ([row(1, TWO), row(2, TWO, FAILED, direction=Direction.DOWN)], State.APPLIED, ()),
        ([row(1, TWO, FAILED, direction=Direction.DOWN)], State.PENDING, ()),
        ([row(1, TWO, APPLYING)], State.APPLYING, (Problem.INCOMPLETE,)),
        ([row(1, TWO, APPLYING, progress=BEGUN)], State.APPLYING, (Problem.INCOMPLETE,)),
        ([row(1, EDITED, APPLYING, progress=BEGUN)], State.APPLYING, (Problem.INCOMPLETE,)),
        ([baseline(1, 1)], State.PENDING, ()),
        ([baseline(1, 2)], State.BASELINE, ()),
        ([baseline(1, 3)], State.BASELINE, ()),
        ([baseline(1, 3, SUPERSEDED)], State.PENDING, ()),
        ([row(1, THREE)], State.PENDING, (Problem.OUT_OF_ORDER,)),
        ([row(1, TWO, FAILED), row(2, THREE)], State.FAILED, (Problem.OUT_OF_ORDER,)),
        ([row(1, THREE, REVERTED)], State.PENDING, ()),
        ([row(1, ONE)], State.PENDING, ()),
    ],
)
def test_a_version_with_a_file_stands_where_its_rows_put_it(
    rows: list[HistoryEntry], state: State, problems: tuple[Problem, ...]
) -> None:
    """Every state and every problem of a version that the files know."""
    found = {key: rest for key, *rest in standings([ONE, TWO, THREE], rows)}
    assert [state, problems] == found["2"]


@pytest.mark.parametrize(
    ("rows", "state", "problems"),
    [
        ([row(1, TWO)], State.MISSING, (Problem.MISSING,)),
        ([row(1, TWO, APPLYING)], State.APPLYING, (Problem.INCOMPLETE,)),
        ([baseline(1, 2), row(2, TWO)], State.MISSING, ()),
        ([row(1, versioned(4))], State.AHEAD, ()),
        ([row(1, versioned(4), APPLYING)], State.APPLYING, (Problem.INCOMPLETE,)),
        ([row(1, VIEWS)], State.MISSING, ()),
    ],
)
def test_what_has_no_file_is_missing_or_ahead(
    rows: list[HistoryEntry], state: State, problems: tuple[Problem, ...]
) -> None:
    """Ahead when it is newer than every file; a repeatable that is gone is nobody's problem."""
    found = [
        (status.state, status.problems)
        for status in classify([ONE, THREE], history(*rows))
        if status.path is None
    ]
    assert [(state, problems)] == found


@pytest.mark.parametrize("state", [REVERTED, SUPERSEDED, FAILED])
def test_the_past_of_what_has_no_file_is_not_listed(state: RowState) -> None:
    """It is neither in the files nor in the database."""
    assert () == classify([], history(row(1, TWO, state)))


def test_without_any_file_every_version_is_ahead() -> None:
    """There is no file that it could be older than."""
    assert [("2", State.AHEAD, ())] == standings([], [row(1, TWO)])


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], State.PENDING),
        ([row(1, VIEWS)], State.APPLIED),
        ([row(1, OLD_VIEWS)], State.PENDING),
        ([row(1, VIEWS, FAILED)], State.FAILED),
        ([row(1, OLD_VIEWS), row(2, VIEWS, FAILED)], State.FAILED),
        ([row(1, VIEWS, REVERTED), row(2, VIEWS, REVERTED)], State.PENDING),
        ([row(1, VIEWS, SUPERSEDED), row(2, OLD_VIEWS)], State.AHEAD),
        ([row(1, OLD_VIEWS, SUPERSEDED), row(2, VIEWS)], State.APPLIED),
        ([row(1, VIEWS, SUPERSEDED), row(2, OLD_VIEWS, SUPERSEDED), row(3, VIEWS)], State.APPLIED),
        ([row(1, repeatable("others", "new"), SUPERSEDED), row(2, OLD_VIEWS)], State.PENDING),
        ([row(1, OLD_VIEWS), row(2, THREE)], State.AHEAD),
        ([row(1, VIEWS), row(2, THREE)], State.APPLIED),
        ([row(1, VIEWS), DOWN_OF_ONE], State.PENDING),
        ([row(1, VIEWS), row(2, THREE), replace(DOWN_OF_ONE, id=3)], State.APPLIED),
        ([DOWN_OF_ONE, row(3, VIEWS)], State.APPLIED),
        ([baseline(1, 3)], State.AHEAD),
        ([row(1, THREE)], State.AHEAD),
        ([row(1, THREE, REVERTED)], State.PENDING),
        ([row(1, THREE, APPLYING, progress=BEGUN)], State.AHEAD),
        ([row(1, ONE)], State.PENDING),
        ([row(1, VIEWS, APPLYING, progress=BEGUN)], State.APPLYING),
        ([row(1, OLD_VIEWS, APPLYING, progress=BEGUN)], State.APPLYING),
    ],
)
def test_a_repeatable_is_pending_unless_an_old_image_asks(
    rows: list[HistoryEntry], state: State
) -> None:
    """Not when the database is ahead, nor with a text that it had and that was superseded.

    But again after a version was reverted, which may have taken it along.
    """
    found = {key: found for key, found, _ in standings([ONE, VIEWS], rows)}
    assert state == found["R__views"]


def test_an_edited_repeatable_is_no_problem() -> None:
    """To be edited is what it is for."""
    assert [("R__views", State.PENDING, ())] == standings([VIEWS], [row(1, OLD_VIEWS)])


def test_a_file_without_a_way_down_is_not_reversible() -> None:
    """For a row alone, the SQL that the history keeps decides."""
    files = [versioned(1, down=None)]
    rows = history(row(1, versioned(2)), row(2, in_python(3)))
    assert {"1": False, "2": True, "3": False} == {
        status.key: status.reversible for status in classify(files, rows)
    }


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (History(exists=False), None),
        (applied(ONE, THREE, TWO), Version("3")),
        (applied(ONE, VIEWS), Version("1")),
        (history(row(1, ONE), row(2, TWO, FAILED)), Version("1")),
        (history(row(1, ONE), row(2, TWO, APPLYING, progress=BEGUN)), Version("1")),
        (history(row(1, ONE), row(2, TWO, REVERTED)), Version("1")),
        (history(baseline(1, 2)), Version("2")),
        (history(baseline(1, 2), row(2, THREE)), Version("3")),
    ],
)
def test_the_current_version_is_the_newest_in_the_database(
    rows: History, expected: Version | None
) -> None:
    """By a row of its own, or by a baseline."""
    assert expected == current_version(rows)
