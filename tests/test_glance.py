"""The glance: it may say less than the planner, and never anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncmig.glance import Current, in_force, see_current
from asyncmig.history import HISTORY_FORMAT, History, HistoryEntry, RowState
from asyncmig.migration import Direction, Kind, Migration, Version
from asyncmig.plan import make_plan
from asyncmig.request import Policy
from asyncmig.status import current_version
from tests.values import NOON, applied, baseline, history, repeatable, row, up, versioned

if TYPE_CHECKING:
    from asyncmig.glance import Checksums, Trace

ONE, TWO, THREE = (versioned(number) for number in (1, 2, 3))
VIEW = repeatable("view")


def checksums(files: list[Migration]) -> Checksums:
    """Return what reading the files briefly gives."""
    return {m.name if m.version is None else m.version.number: m.checksum for m in files}


def traces(rows: History) -> list[Trace]:
    """Return what a glance reads of the rows."""
    return [
        (
            "\t".join((str(HISTORY_FORMAT), entry.kind, entry.direction, entry.state)),
            None if entry.version is None else entry.version.text,
            entry.name,
            entry.checksum,
        )
        for entry in rows
    ]


def seen(files: list[Migration], rows: History) -> Current | None:
    """Return what a glance says."""
    found = in_force(traces(rows))
    return None if found is None else see_current(checksums(files), found)


@st.composite
def any_rows(draw: st.DrawFn) -> History:
    """Return rows of a few migrations in any state; at most one of each is in force."""
    in_force: set[tuple[object, Direction]] = set()
    rows: list[HistoryEntry] = []
    for entry_id in range(1, draw(st.integers(0, 7)) + 1):
        version = draw(st.sampled_from(["1", "2", "3", "004", "2.1", None]))
        kinds = [Kind.VERSIONED, Kind.VERSIONED, Kind.BASELINE] if version else [Kind.REPEATABLE]
        kind = draw(st.sampled_from(kinds))
        ways = [Direction.UP] if kind is Kind.BASELINE else [*[Direction.UP] * 4, Direction.DOWN]
        entry = HistoryEntry(
            id=entry_id,
            kind=kind,
            direction=draw(st.sampled_from(ways)),
            version=None if version is None else Version(version),
            name="v" if version else draw(st.sampled_from(["view", "other"])),
            checksum=draw(st.sampled_from(["same", "same", "same", "edited"])),
            state=draw(st.sampled_from([*[RowState.APPLIED] * 6, *RowState])),
            started_at=NOON,
        )
        key = (entry.identity, entry.direction)
        if entry.is_active and entry.kind is not Kind.BASELINE:
            if key in in_force:
                continue
            in_force.add(key)
        rows.append(entry)
    return history(*rows)


@st.composite
def any_files(draw: st.DrawFn) -> list[Migration]:
    """Return some files, as they were applied."""
    numbers = draw(st.sets(st.sampled_from([1, 2, 3, 4])))
    names = draw(st.sets(st.sampled_from(["view", "other"])))
    files = [versioned(number) for number in numbers] + [repeatable(name) for name in names]
    return [Migration(file.version, file.name, "same", file.up) for file in files]


@given(any_files(), any_rows())
def test_what_a_glance_says_the_planner_says(files: list[Migration], rows: History) -> None:
    """Nothing to run, nothing to warn of, the same version; in doubt it says nothing."""
    glance = seen(files, rows)
    if glance is None:
        return
    plan = make_plan(files, rows, up(), Policy())
    assert ((), ()) == (plan.steps, plan.warnings)
    assert not [status for status in plan.statuses if status.is_pending]
    assert current_version(rows) == glance.version


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([ONE, TWO], applied(ONE, TWO)),
        ([ONE, TWO, VIEW], applied(ONE, TWO, VIEW)),
        ([ONE], applied(ONE, TWO)),
        ([ONE, TWO, THREE], history(baseline(1, 2), row(2, THREE))),
        ([ONE, TWO], history(row(1, ONE, RowState.FAILED), row(2, ONE), row(3, TWO))),
        ([ONE], history(row(1, ONE, RowState.REVERTED), row(2, ONE))),
    ],
    ids=["all", "with a view", "ahead", "above a baseline", "after a failure", "after a redo"],
)
def test_a_glance_is_enough_for_what_is_common(files: list[Migration], rows: History) -> None:
    """Else every start of such a database would pay for a plan."""
    assert Current(current_version(rows)) == seen(files, rows)


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([ONE, TWO], applied(ONE)),
        ([ONE, versioned(2, text="edited")], applied(ONE, TWO)),
        ([TWO], applied(ONE, TWO)),
        ([ONE, TWO], history(row(1, ONE), row(2, TWO, RowState.APPLYING))),
        ([ONE, repeatable("view", "new")], applied(ONE, VIEW)),
        (
            [ONE, VIEW],
            history(
                row(1, ONE), row(2, VIEW), row(3, TWO, RowState.REVERTED, direction=Direction.DOWN)
            ),
        ),
        ([ONE], history(baseline(1, 1), row(2, versioned(1, text="edited")))),
    ],
    ids=[
        "pending",
        "changed",
        "missing",
        "unfinished",
        "new view",
        "view after a way down",
        "changed below a baseline",
    ],
)
def test_what_is_not_plain_takes_a_closer_look(files: list[Migration], rows: History) -> None:
    """The planner decides what it means."""
    assert seen(files, rows) is None


@pytest.mark.parametrize(
    "nature",
    [
        f"{HISTORY_FORMAT + 1}\tversioned\tup\tapplied",
        f"{HISTORY_FORMAT}\tvers\tioned\tup\tapplied",
        f"{HISTORY_FORMAT}",
        None,
    ],
    ids=["newer", "a tab in it", "without the rest", "nothing"],
)
def test_a_row_that_nobody_here_has_written_takes_a_closer_look(nature: str | None) -> None:
    """Reading the whole row refuses it, with its reason."""
    assert in_force([(nature, "1", "one", "same")]) is None
