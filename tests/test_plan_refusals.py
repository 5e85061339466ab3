"""What the planner refuses: files and history that disagree, and targets that are none."""

from __future__ import annotations

import pytest

from asyncmig.errors import (
    AsyncmigError,
    ChangedMigrationError,
    HistoryError,
    IncompleteMigrationError,
    MissingMigrationError,
    OutOfOrderError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.history import History, Problem, Progress, RowState
from asyncmig.migration import Direction, Migration, Version
from asyncmig.plan import make_plan
from asyncmig.request import Changed, Policy, Request
from tests.values import applied, down, history, in_python, repeatable, row, up, versioned

ONE, TWO, THREE, FOUR = (versioned(number) for number in (1, 2, 3, 4))
ALL = [ONE, TWO, THREE, FOUR]
VIEWS = repeatable("views")
EDITED = versioned(2, text="another two")
WITH_EDITS = [ONE, EDITED, in_python(3, source="touched")]
BEFORE_EDITS = applied(ONE, TWO, in_python(3))
BEGUN = Progress(done=("a",), started="b")
APPLYING, FAILED = RowState.APPLYING, RowState.FAILED
DOWN = Direction.DOWN
STRICT = Policy()


@pytest.mark.parametrize(
    ("files", "rows", "request_", "error", "versions"),
    [
        ([ONE, EDITED], applied(ONE, TWO), up(), ChangedMigrationError, ["2"]),
        ([ONE, EDITED], applied(ONE, TWO), up(to=1), ChangedMigrationError, ["2"]),
        ([ONE, EDITED], applied(ONE, TWO), down(), ChangedMigrationError, ["2"]),
        ([ONE, THREE], applied(ONE, TWO), up(), MissingMigrationError, ["2"]),
        ([THREE], applied(ONE, TWO), up(), MissingMigrationError, ["1", "2"]),
        (ALL, applied(THREE), up(), OutOfOrderError, ["1", "2"]),
        (ALL, applied(THREE), up(steps=1), OutOfOrderError, ["1"]),
        (ALL, applied(THREE), up(to=2), OutOfOrderError, ["1", "2"]),
        (ALL, history(row(1, THREE), row(2, ONE, FAILED)), up(to=1), OutOfOrderError, ["1"]),
        ([ONE], history(row(1, ONE, APPLYING)), up(), IncompleteMigrationError, ["1"]),
        ([ONE], history(row(1, ONE, APPLYING)), down(), IncompleteMigrationError, ["1"]),
        (
            [ONE, TWO],
            history(row(1, ONE), row(2, TWO, APPLYING, progress=BEGUN)),
            down(),
            IncompleteMigrationError,
            ["2"],
        ),
        (
            [ONE],
            history(row(1, ONE), row(2, ONE, APPLYING, direction=DOWN, progress=BEGUN)),
            up(),
            IncompleteMigrationError,
            ["1"],
        ),
        (
            [ONE],
            history(row(1, ONE), row(2, TWO, APPLYING)),
            down(from_history=True),
            IncompleteMigrationError,
            ["2"],
        ),
        (
            [THREE],
            history(row(1, TWO, APPLYING, progress=BEGUN)),
            up(),
            IncompleteMigrationError,
            ["2"],
        ),
        (
            [ONE],
            history(row(1, VIEWS, APPLYING, progress=BEGUN)),
            up(),
            IncompleteMigrationError,
            ["R__views"],
        ),
    ],
)
def test_files_and_history_that_disagree_are_refused(
    files: list[Migration],
    rows: History,
    request_: Request,
    error: type[HistoryError],
    versions: list[str],
) -> None:
    """Nothing is run, and the error names every migration that is concerned."""
    with pytest.raises(HistoryError) as caught:
        make_plan(files, rows, request_, STRICT)
    assert (error, tuple(versions)) == (type(caught.value), caught.value.versions)


@pytest.mark.parametrize(
    ("files", "rows", "request_", "message", "hint"),
    [
        (
            [ONE],
            history(row(1, ONE, APPLYING)),
            up(),
            "migration 1 is begun but not finished",
            (
                "look at the database, then say what is true: `asyncmig repair --mark 1` if its "
                "changes are there, `asyncmig repair --forget 1` if none of them is"
            ),
        ),
        (
            [ONE],
            history(row(1, ONE, APPLYING, progress=BEGUN)),
            down(),
            "migration 1 is begun but not finished: it was on its way up",
            "let `asyncmig up` finish it first",
        ),
        (
            [ONE],
            history(row(1, ONE), row(2, ONE, APPLYING, direction=DOWN, progress=BEGUN)),
            up(),
            "migration 1 is begun but not finished: it was on its way down",
            "let `asyncmig down` finish it first",
        ),
        (
            [],
            history(row(1, VIEWS, APPLYING, progress=BEGUN)),
            up(),
            "migration R__views is begun but not finished: its file is gone",
            "restore the file, and `asyncmig up` finishes it",
        ),
        (
            ALL,
            applied(THREE),
            up(),
            "migrations 1, 2 are pending below 3, which is applied already",
            "give the file a newer version, or allow it with --out-of-order apply",
        ),
    ],
)
def test_a_refusal_says_what_to_do(
    files: list[Migration], rows: History, request_: Request, message: str, hint: str
) -> None:
    """One sentence, and the way out as a note."""
    with pytest.raises(AsyncmigError) as caught:
        make_plan(files, rows, request_, STRICT)
    assert (message, hint, [hint]) == (
        caught.value.message,
        caught.value.hint,
        caught.value.__notes__,
    )


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (Policy(), ("2",)),
        (Policy(changed_python=Changed.ERROR), ("2", "3")),
        (Policy(changed_sql=Changed.WARN, changed_python=Changed.ERROR), ("3",)),
    ],
)
def test_edited_files_are_refused_by_policy(policy: Policy, refused: tuple[str, ...]) -> None:
    """By default SQL alone: formatters like to touch Python."""
    with pytest.raises(ChangedMigrationError) as caught:
        make_plan(WITH_EDITS, BEFORE_EDITS, up(), policy)
    assert refused == caught.value.versions


def test_edits_that_the_policy_lets_pass_are_warnings() -> None:
    """They do not stop the run, and they are not forgotten."""
    plan = make_plan(WITH_EDITS, BEFORE_EDITS, up(), Policy(changed_sql=Changed.WARN))
    assert [("2", (Problem.CHANGED,)), ("3", (Problem.CHANGED,))] == [
        (status.key, status.problems) for status in plan.warnings
    ]


def test_an_edited_file_does_not_stop_the_way_down_of_another() -> None:
    """Only what would be reverted is compared."""
    plan = make_plan([ONE, EDITED, THREE], applied(ONE, TWO, THREE), down(), STRICT)
    assert ["3"] == [step.key for step in plan.steps]


@pytest.mark.parametrize("request_", [up(to=9), down(to=9), up(to=0)])
def test_an_unknown_target_is_refused_with_the_known_ones(request_: Request) -> None:
    """Known are the versions of the files and of the history."""
    with pytest.raises(UnknownVersionError) as caught:
        make_plan([TWO, THREE], applied(TWO, versioned(4)), request_, STRICT)
    assert ("2", "3", "4") == caught.value.known
    assert request_.to is not None
    assert f"there is no version {request_.to} (known: 2, 3, 4)" == caught.value.message


@pytest.mark.parametrize(
    ("steps", "to", "message"),
    [
        (0, None, "steps must be 1 or more, not 0"),
        (-1, None, "steps must be 1 or more, not -1"),
        (1, 1, "give either a target version or a number of steps, not both"),
    ],
)
@pytest.mark.parametrize("direction", Direction)
def test_a_request_that_cannot_be_meant_is_refused(
    direction: Direction, steps: int, to: int | None, message: str
) -> None:
    """Before anything is looked at."""
    with pytest.raises(TargetError) as caught:
        Request(direction, to=None if to is None else Version(str(to)), steps=steps)
    assert message == caught.value.message
