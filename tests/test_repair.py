"""What a person's decision, or a baseline, changes in the history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.errors import AsyncmigError, HistoryNotEmptyError, TargetError, UnknownVersionError
from asyncmig.history import Batches, Edit, History, NewRow, Progress, RowState, State
from asyncmig.migration import Batching, Direction, Kind, Migration, SqlScript, Version
from asyncmig.plan import make_plan
from asyncmig.repair import Decision, Repair, plan_baseline, plan_repair
from asyncmig.request import Policy
from asyncmig.status import classify
from tests.values import (
    after,
    applied,
    baseline,
    history,
    in_python,
    repeatable,
    row,
    up,
    versioned,
)

ONE, TWO, THREE = versioned(1), versioned(2), versioned(3)
EDITED = versioned(1, text="another one")
VIEWS, FORMER_VIEWS = repeatable("views"), repeatable("views", "former")
APPLYING, REVERTED, SUPERSEDED = RowState.APPLYING, RowState.REVERTED, RowState.SUPERSEDED
ACCEPT, FORGET, MARK = Decision.ACCEPT, Decision.FORGET, Decision.MARK
TURNED_BACK = history(
    row(1, ONE), row(2, ONE, APPLYING, direction=Direction.DOWN, progress=Progress())
)


def applied_row(file: Migration) -> NewRow:
    """Return the row that stands for a file without its being run."""
    return NewRow(
        kind=file.kind,
        direction=Direction.UP,
        version=file.version,
        name=file.name,
        checksum=file.checksum,
        state=RowState.APPLIED,
        origin="repair",
        down_sql=file.down.text if isinstance(file.down, SqlScript) else None,
    )


def down_row(file: Migration, state: RowState) -> NewRow:
    """Return the row that says what became of a reversal."""
    up_row = applied_row(file)
    return replace(up_row, direction=Direction.DOWN, state=state, down_sql=None)


def stands(file: Migration, before: History, *edits: Edit) -> State:
    """Return where the migration stands after the edits."""
    (status,) = classify([file], after(before, *edits))
    return status.state


IN_BATCHES = replace(EDITED, up=SqlScript("another one", EDITED.up.path, batching=Batching()))
SOFAR = Progress((), "sha256:v1:former", Batches(3, 300, "null", 100, 9))
GOES_ON = replace(
    applied_row(EDITED), state=APPLYING, origin="run", progress=replace(SOFAR, started=None)
)


@pytest.mark.parametrize(
    ("file", "rows", "decision", "edits", "description", "state"),
    [
        (
            EDITED,
            applied(ONE),
            ACCEPT,
            (Edit(applied_row(EDITED), retires=1),),
            "the file of 1 as it is now stands for what was applied",
            State.APPLIED,
        ),
        (ONE, applied(ONE), ACCEPT, (), "migration 1 is what was applied already", State.APPLIED),
        (
            VIEWS,
            applied(FORMER_VIEWS),
            ACCEPT,
            (Edit(applied_row(VIEWS), retires=1),),
            "the file of R__views as it is now stands for what was applied",
            State.APPLIED,
        ),
        (
            IN_BATCHES,
            history(row(1, ONE, APPLYING, progress=SOFAR)),
            ACCEPT,
            (Edit(GOES_ON, retires=1),),
            "1 goes on behind its last batch, with the file as it is now",
            State.APPLYING,
        ),
        (
            ONE,
            applied(ONE),
            FORGET,
            (Edit(down_row(ONE, REVERTED), retires=1, retired_as=REVERTED),),
            "migration 1 counts as not applied from now on",
            State.PENDING,
        ),
        (
            ONE,
            history(row(1, ONE, APPLYING)),
            FORGET,
            (Edit(down_row(ONE, REVERTED), retires=1, retired_as=REVERTED),),
            "migration 1 counts as not applied from now on",
            State.PENDING,
        ),
        (
            VIEWS,
            applied(VIEWS),
            FORGET,
            (Edit(down_row(VIEWS, REVERTED), retires=1, retired_as=REVERTED),),
            "migration R__views counts as not applied from now on",
            State.PENDING,
        ),
        (ONE, History(), FORGET, (), "migration 1 is not applied already", State.PENDING),
        (
            ONE,
            History(exists=False),
            MARK,
            (Edit(applied_row(ONE)),),
            "migration 1 counts as applied from now on, without being run",
            State.APPLIED,
        ),
        (
            ONE,
            history(row(1, ONE, APPLYING)),
            MARK,
            (Edit(applied_row(ONE), retires=1),),
            "migration 1 counts as applied from now on, without being run",
            State.APPLIED,
        ),
        (ONE, applied(ONE), MARK, (), "migration 1 is applied already", State.APPLIED),
        (
            ONE,
            TURNED_BACK,
            MARK,
            (Edit(down_row(ONE, RowState.FAILED), retires=2),),
            "migration 1 is still applied",
            State.APPLIED,
        ),
        (
            ONE,
            TURNED_BACK,
            FORGET,
            (
                Edit(down_row(ONE, REVERTED), retires=1, retired_as=REVERTED),
                Edit(down_row(ONE, REVERTED), retires=2),
            ),
            "migration 1 counts as reverted from now on",
            State.PENDING,
        ),
    ],
)
def test_a_decision_becomes_edits_of_the_history(
    *,
    file: Migration,
    rows: History,
    decision: Decision,
    edits: tuple[Edit, ...],
    description: str,
    state: State,
) -> None:
    """What is true of the migration (not of its reversal) is what the history says afterwards."""
    repair = plan_repair([file], rows, decision, file.key)
    assert Repair(description, edits) == repair
    assert state == stands(file, rows, *repair.edits)


@pytest.mark.parametrize("decision", [FORGET, MARK])
@pytest.mark.parametrize("rows", [history(row(1, ONE, APPLYING)), TURNED_BACK])
def test_a_decision_lets_the_next_run_go_on(rows: History, decision: Decision) -> None:
    """Also when it is taken in two halves, the first edit and then all of it again."""
    edits = plan_repair([ONE], rows, decision, "1").edits
    halfway = after(rows, edits[0])
    whole = after(rows, *edits)
    resumed = after(halfway, *plan_repair([ONE], halfway, decision, "1").edits)
    expected = [] if decision is MARK else ["1"]
    for end in (whole, resumed):
        steps = make_plan([ONE], end, up(), Policy()).steps
        assert expected == [step.key for step in steps]


def test_a_python_file_is_marked_without_sql_to_go_down_with() -> None:
    """The history stores SQL only."""
    python = in_python(1)
    assert (Edit(applied_row(python)),) == plan_repair([python], History(), MARK, "1").edits


def test_whether_the_stored_sql_needs_a_transaction_is_kept() -> None:
    """It may be run from the history one day."""
    file = replace(ONE, down=SqlScript("down 1", "x", transaction=False))
    expected = replace(applied_row(ONE), down_transaction=False)
    assert (Edit(expected),) == plan_repair([file], History(), MARK, "1").edits


@pytest.mark.parametrize("key", ["1", "001"])
def test_a_migration_is_named_by_its_number(key: str) -> None:
    """Zeros in front do not matter."""
    (edit,) = plan_repair([ONE], applied(ONE), FORGET, key).edits
    assert 1 == edit.retires


def test_what_has_no_file_can_be_forgotten() -> None:
    """That is the remedy which a missing file suggests."""
    (edit,) = plan_repair([], applied(ONE, TWO), FORGET, "2").edits
    assert Edit(down_row(TWO, REVERTED), retires=2, retired_as=REVERTED) == edit


@pytest.mark.parametrize(
    ("files", "rows", "decision", "message", "hint"),
    [
        (
            [],
            applied(ONE),
            ACCEPT,
            "migration 1 is not an applied one with a file, so there is nothing to accept",
            "",
        ),
        (
            [ONE],
            History(),
            ACCEPT,
            "migration 1 is not an applied one with a file, so there is nothing to accept",
            "",
        ),
        (
            [EDITED],
            history(row(1, ONE, APPLYING)),
            ACCEPT,
            "migration 1 is not an applied one with a file, so there is nothing to accept",
            "",
        ),
        (
            [],
            history(row(1, ONE, APPLYING)),
            MARK,
            "migration 1 has no file, so it cannot be marked as applied",
            "",
        ),
        (
            [ONE],
            TURNED_BACK,
            ACCEPT,
            "the way down of 1 was begun and not finished; nothing can be accepted",
            "--mark it if all of it is still there, --forget it if nothing of it is",
        ),
    ],
)
def test_a_decision_that_does_not_fit_is_refused(
    files: list[Migration], rows: History, decision: Decision, message: str, hint: str
) -> None:
    """In one sentence, about the migration that was named."""
    with pytest.raises(TargetError) as caught:
        plan_repair(files, rows, decision, "1")
    assert (message, hint, "1") == (
        caught.value.message,
        caught.value.hint,
        caught.value.version,
    )


@pytest.mark.parametrize("key", ["3", "R__1", "R__", "views", "x", "-1", ""])
@pytest.mark.parametrize("decision", Decision)
def test_a_migration_that_nobody_knows_is_refused(decision: Decision, key: str) -> None:
    """With those that there are: versions, then repeatables."""
    with pytest.raises(UnknownVersionError) as caught:
        plan_repair([ONE, VIEWS], applied(TWO), decision, key)
    assert (key, ("1", "2", "R__views")) == (caught.value.version, caught.value.known)


# --- baseline ---------------------------------------------------------------------------------


def baseline_row(version: int) -> NewRow:
    """Return the row of a baseline."""
    return NewRow(
        kind=Kind.BASELINE,
        direction=Direction.UP,
        version=Version(str(version)),
        name="baseline",
        checksum="",
        state=RowState.APPLIED,
        origin="baseline",
    )


@pytest.mark.parametrize(
    ("rows", "target", "edits", "version"),
    [
        (History(exists=False), "2", (Edit(baseline_row(2)),), 2),
        (History(), "latest", (Edit(baseline_row(3)),), 3),
        (History(), "02", (Edit(baseline_row(2)),), 2),
        (history(baseline(1, 1)), "2", (Edit(baseline_row(2), retires=1),), 2),
        (history(row(1, ONE, RowState.FAILED)), "2", (Edit(baseline_row(2)),), 2),
        (
            history(baseline(1, 1, SUPERSEDED), baseline(2, 2)),
            "1",
            (Edit(baseline_row(1), retires=2),),
            1,
        ),
    ],
)
def test_a_baseline_declares_what_is_there_already(
    rows: History, target: str, edits: tuple[Edit, ...], version: int
) -> None:
    """It takes the place of a former one; afterwards everything up to it is covered."""
    files = [THREE, ONE, TWO]
    repair = plan_baseline(files, rows, target)
    assert Repair(f"everything up to {version} is declared to be in the database", edits) == repair
    left = make_plan(files, after(rows, *repair.edits), up(), Policy()).steps
    assert [str(number) for number in range(version + 1, 4)] == [step.key for step in left]


def test_the_same_baseline_again_changes_nothing() -> None:
    """Also when migrations were applied above it meanwhile: deploys repeat themselves."""
    rows = history(baseline(1, 2), row(2, THREE))
    expected = Repair("the baseline is 2 already", ())
    assert expected == plan_baseline([ONE, TWO, THREE], rows, "2")


@pytest.mark.parametrize("state", [RowState.APPLIED, APPLYING])
def test_a_baseline_on_a_history_is_refused(state: RowState) -> None:
    """It would cover what was never applied."""
    with pytest.raises(HistoryNotEmptyError) as caught:
        plan_baseline([ONE, TWO], history(row(1, ONE, state)), "2")
    assert (
        "migration 1 is applied already, so the history cannot start at 2",
        "a baseline is for a database without history; look at `asyncmig status`",
        ("1",),
    ) == (caught.value.message, caught.value.hint, caught.value.versions)


@pytest.mark.parametrize(
    ("files", "target"), [([ONE], "2"), ([ONE], "0"), ([VIEWS], "latest"), ([], "latest")]
)
def test_a_baseline_needs_a_version_with_a_file(files: list[Migration], target: str) -> None:
    """A typing error must not cover versions to come."""
    with pytest.raises(AsyncmigError) as caught:
        plan_baseline(files, History(), target)
    assert (UnknownVersionError, target) == (type(caught.value), caught.value.version)
