"""What a run would do: every rule of the planner, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.errors import (
    IrreversibleMigrationError,
    MissingMigrationError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.history import Edit, Generation, History, NewRow, Progress, RowState
from asyncmig.migration import Batching, Direction, Kind, Migration, Script, SqlScript, Version
from asyncmig.plan import Plan, Step, find_version, make_plan
from asyncmig.request import OutOfOrder, Policy, Request
from asyncmig.status import classify
from tests.values import applied, baseline, down, history, in_python, repeatable, row, up, versioned

ONE, TWO, THREE, FOUR = (versioned(number) for number in (1, 2, 3, 4))
ALL = [ONE, TWO, THREE, FOUR]
VIEWS = repeatable("views")
EDITED = versioned(2, text="another two")
EMPTY = History(exists=False)
BEGUN = Progress(done=("a",), started="b")
APPLYING, FAILED = RowState.APPLYING, RowState.FAILED
DOWN = Direction.DOWN
STRICT = Policy()
APPLY, WARN = Policy(OutOfOrder.APPLY), Policy(OutOfOrder.WARN)


def keys(
    files: list[Migration], rows: History, request: Request, policy: Policy = STRICT
) -> list[str]:
    """Return what would run, in order."""
    return [step.key for step in make_plan(files, rows, request, policy).steps]


# --- up ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "request_", "expected"),
    [
        (EMPTY, up(), ["1", "2", "3", "4"]),
        (History(), up(), ["1", "2", "3", "4"]),
        (applied(ONE, TWO), up(), ["3", "4"]),
        (applied(*ALL), up(), []),
        (EMPTY, up(to=2), ["1", "2"]),
        (applied(ONE, TWO), up(to=2), []),
        (applied(ONE, TWO, THREE), up(to=2), []),
        (applied(*ALL, versioned(5)), up(to=5), []),
        (EMPTY, up(steps=1), ["1"]),
        (EMPTY, up(steps=9), ["1", "2", "3", "4"]),
        (history(baseline(1, 2)), up(), ["3", "4"]),
        (history(baseline(1, 2)), up(to=1), []),
        (history(row(1, ONE), row(2, TWO, FAILED)), up(), ["2", "3", "4"]),
        (history(row(1, ONE), row(2, TWO, RowState.REVERTED)), up(steps=1), ["2"]),
    ],
)
def test_up_applies_what_is_pending_in_version_order(
    rows: History, request_: Request, expected: list[str]
) -> None:
    """Up to the target, or so many; files may be given in any order."""
    assert expected == keys([THREE, ONE, FOUR, TWO], rows, request_)


@pytest.mark.parametrize(
    ("rows", "request_", "expected"),
    [
        (EMPTY, up(), ["1", "2", "R__a", "R__b"]),
        (EMPTY, up(to=2), ["1", "2", "R__a", "R__b"]),
        (EMPTY, up(steps=2), ["1", "2", "R__a", "R__b"]),
        (EMPTY, up(to=1), ["1"]),
        (EMPTY, up(steps=1), ["1"]),
        (applied(ONE, TWO), up(steps=1), ["R__a", "R__b"]),
        (applied(ONE, TWO, repeatable("a")), up(), ["R__b"]),
        (applied(ONE, TWO, repeatable("a", "former")), up(), ["R__a", "R__b"]),
        (applied(ONE, TWO, repeatable("a"), repeatable("b")), up(), []),
        (applied(ONE, TWO, THREE), up(), []),
    ],
)
def test_repeatables_follow_when_nothing_versioned_is_left(
    rows: History, request_: Request, expected: list[str]
) -> None:
    """A view may need what a later version brings, so a run that stops before leaves it alone."""
    assert expected == keys([repeatable("b"), TWO, repeatable("a"), ONE], rows, request_)


def test_an_old_image_does_not_put_the_old_view_back() -> None:
    """Rolling deploy without a new version: the text was superseded, so it is not pending."""
    old, new = repeatable("views", "old"), repeatable("views", "new")
    rows = history(row(1, old, RowState.SUPERSEDED), row(2, new))
    assert [[], []] == [keys([old], rows, up()), keys([new], rows, up())]


def test_an_old_image_runs_nothing_on_a_newer_database() -> None:
    """Versions ahead of every file are reported, and fatal for nobody who goes up."""
    plan = make_plan([ONE, VIEWS], applied(ONE, TWO, THREE), up(), STRICT)
    assert ((), ()) == (plan.steps, plan.warnings)


@pytest.mark.parametrize("progress", [BEGUN, None])
def test_an_old_image_boots_while_a_newer_version_is_unfinished(progress: Progress | None) -> None:
    """What a newer release has begun, or left in the middle, is not for this one to finish."""
    rows = history(row(1, ONE), row(2, TWO, APPLYING, progress=progress))
    assert [] == keys([ONE, VIEWS], rows, up())


def test_what_was_begun_is_resumed_in_its_row() -> None:
    """An unfinished migration without a transaction goes on first, and keeps its row."""
    begun = row(2, TWO, APPLYING, progress=BEGUN)
    steps = make_plan([ONE, TWO, THREE], history(row(1, ONE), begun), up(), STRICT).steps
    assert [("2", None, begun), ("3", None, None)] == [
        (step.key, step.replaces, step.resumes) for step in steps
    ]


def test_a_begun_repeatable_is_resumed() -> None:
    """Also when the rest of its file was corrected meanwhile."""
    begun = row(1, repeatable("views", "broken"), APPLYING, progress=BEGUN)
    steps = make_plan([VIEWS], history(begun), up(), STRICT).steps
    assert [("R__views", VIEWS.checksum, None, begun)] == [
        (step.key, step.checksum, step.replaces, step.resumes) for step in steps
    ]


@pytest.mark.parametrize(
    ("policy", "request_", "expected"),
    [
        (APPLY, up(), ["1", "2", "4"]),
        (APPLY, up(to=2), ["1", "2"]),
        (APPLY, up(steps=1), ["1"]),
        (WARN, up(), ["4"]),
        (WARN, up(to=2), []),
        (WARN, up(steps=1), ["4"]),
    ],
)
def test_late_versions_are_applied_or_left_by_policy(
    policy: Policy, request_: Request, expected: list[str]
) -> None:
    """`apply` runs them in version order, `warn` leaves them pending and says so."""
    plan = make_plan(ALL, applied(THREE), request_, policy)
    assert expected == [step.key for step in plan.steps]
    assert ["1", "2"] == [status.key for status in plan.warnings]


def test_repeatables_do_not_wait_for_versions_that_are_left_out() -> None:
    """With `warn` a late version stays pending for good."""
    assert ["R__views"] == keys([ONE, TWO, VIEWS], applied(TWO), up(), WARN)


def test_late_versions_above_the_target_are_nobodys_concern() -> None:
    """Only what would run is judged."""
    assert ["2"] == keys([ONE, TWO, THREE, FOUR], applied(ONE), up(to=2))
    assert [] == keys([ONE, THREE, FOUR], applied(ONE, FOUR), up(to=1))


# --- down -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "request_", "expected"),
    [
        (applied(*ALL), down(), ["4"]),
        (applied(*ALL), down(steps=3), ["4", "3", "2"]),
        (applied(*ALL), down(steps=9), ["4", "3", "2", "1"]),
        (applied(*ALL), down(to=2), ["4", "3"]),
        (applied(*ALL), down(to=4), []),
        (applied(*ALL), down(to=0), ["4", "3", "2", "1"]),
        (applied(ONE, TWO), down(to=3), []),
        (applied(THREE, ONE), down(steps=2), ["3", "1"]),
        (EMPTY, down(), []),
        (EMPTY, down(to=0), []),
        (applied(ONE, VIEWS), down(to=0), ["1"]),
        (history(baseline(1, 2), row(2, THREE), row(3, FOUR)), down(steps=9), ["4", "3"]),
        (history(baseline(1, 2), row(2, THREE)), down(to=2), ["3"]),
        (history(row(1, ONE), row(2, TWO, RowState.REVERTED)), down(), ["1"]),
    ],
)
def test_down_reverts_the_newest_first(
    rows: History, request_: Request, expected: list[str]
) -> None:
    """One by default; the target stays; version 0 is below all; repeatables never go down."""
    assert expected == keys([TWO, VIEWS, ONE, FOUR, THREE], rows, request_)


def test_a_reversal_that_was_begun_is_resumed() -> None:
    """It still reverts the row of the application, and goes on in its own."""
    applied_row = row(1, ONE)
    begun = row(2, ONE, APPLYING, direction=DOWN, progress=BEGUN)
    steps = make_plan([ONE], history(applied_row, begun), down(), STRICT).steps
    assert [(applied_row, begun)] == [(step.replaces, step.resumes) for step in steps]


def test_the_stored_sql_takes_you_down_without_a_file() -> None:
    """When the caller agreed; the file, where there is one, has the last word."""
    rows = history(
        replace(row(1, ONE), down_sql="stored 1"),
        replace(row(2, TWO), down_sql="stored 2", down_transaction=False),
    )
    steps = make_plan([ONE], rows, down(to=0, from_history=True), STRICT).steps
    stored = SqlScript("stored 2", "history of 2", transaction=False)
    assert [stored, ONE.down] == [step.script for step in steps]


@pytest.mark.parametrize("file", [versioned(1, down=None), None])
def test_what_cannot_be_reverted_stops_the_whole_run(file: Migration | None) -> None:
    """Nothing is reverted when one of them has nothing to go down with."""
    files = [TWO] if file is None else [file, TWO]
    rows = history(replace(row(1, ONE), down_sql=None), row(2, TWO))
    with pytest.raises(IrreversibleMigrationError) as caught:
        make_plan(files, rows, down(to=0, from_history=True), STRICT)
    path = None if file is None else file.path
    assert ("migration 1 has nothing to go down with", "1", path) == (
        caught.value.message,
        caught.value.version,
        caught.value.file,
    )


@pytest.mark.parametrize(
    ("stored", "hint"),
    [
        (None, "restore the file"),
        (
            "DROP",
            (
                "restore the file; its down SQL is in the history: "
                "`asyncmig down --from-history` runs it"
            ),
        ),
    ],
)
def test_a_missing_file_stops_the_way_down(stored: str | None, hint: str) -> None:
    """The hint offers the stored SQL only where there is some."""
    rows = history(replace(row(1, ONE), down_sql=stored))
    with pytest.raises(MissingMigrationError) as caught:
        make_plan([], rows, down(), STRICT)
    assert (("1",), hint) == (caught.value.versions, caught.value.hint)


@pytest.mark.parametrize("request_", [down(), down(steps=2), down(to=1), down(to=0)])
@pytest.mark.parametrize("rows", [history(baseline(1, 2)), history(baseline(1, 2), row(2, ONE))])
def test_nobody_goes_down_below_a_baseline(rows: History, request_: Request) -> None:
    """What is under it was there before, or was marked as being there."""
    with pytest.raises(TargetError) as caught:
        make_plan([ONE, TWO], rows, request_, STRICT)
    assert ("nothing up to the baseline 2 can be reverted", "the furthest way down is --to 2") == (
        caught.value.message,
        caught.value.hint,
    )


# --- values -----------------------------------------------------------------------------------


def test_a_plan_is_the_steps_the_statuses_and_the_generation() -> None:
    """The whole value, of a plan that supersedes a view."""
    former = repeatable("views", "former")
    rows = applied(ONE, former)
    expected = Plan(
        steps=(
            Step(Direction.UP, Version("2"), "v2", TWO.checksum, TWO.up, down=TWO.down),
            Step(Direction.UP, None, "views", VIEWS.checksum, VIEWS.up, replaces=rows.entries[1]),
        ),
        statuses=classify([ONE, TWO, VIEWS], rows),
        generation=Generation(2, 0),
    )
    assert expected == make_plan([ONE, TWO, VIEWS], rows, up(), STRICT)


def test_a_step_up_appends_an_applied_row() -> None:
    """With the SQL that reverts it; a repeatable supersedes its former row."""
    irreversible = SqlScript("down 1", "x", transaction=False)
    step = Step(Direction.UP, Version("1"), "v1", "sum", ONE.up, down=irreversible)
    expected = NewRow(
        kind=Kind.VERSIONED,
        direction=Direction.UP,
        version=Version("1"),
        name="v1",
        checksum="sum",
        state=RowState.APPLIED,
        down_sql="down 1",
        down_transaction=False,
    )
    assert Edit(expected) == step.edit()
    again = Step(Direction.UP, None, "views", "sum", VIEWS.up, replaces=row(7, VIEWS)).edit()
    assert (7, RowState.SUPERSEDED, Kind.REPEATABLE) == (
        again.retires,
        again.retired_as,
        again.row.kind,
    )


def test_a_step_down_appends_a_reverted_row_and_retires_the_applied_one() -> None:
    """No down SQL is stored, for there is nothing left to revert."""
    edit = Step(DOWN, Version("1"), "v1", "sum", ONE.up, replaces=row(4, ONE)).edit()
    new = NewRow(Kind.VERSIONED, DOWN, Version("1"), "v1", "sum", RowState.REVERTED)
    assert Edit(new, retires=4, retired_as=RowState.REVERTED) == edit


def test_python_is_never_stored_as_sql() -> None:
    """An image without the file could not run it."""
    file = in_python(1)
    step = Step(Direction.UP, file.version, "v1", file.checksum, file.up, down=file.down)
    assert (None, True) == (step.edit().row.down_sql, step.edit().row.down_transaction)


@pytest.mark.parametrize(
    ("request_", "done", "expected"),
    [
        (up(), 3, up()),
        (up(to=2), 3, up(to=2)),
        (up(steps=3), 0, up(steps=3)),
        (up(steps=3), 2, up(steps=1)),
        (up(steps=3), 3, None),
        (down(steps=2, from_history=True), 1, down(steps=1, from_history=True)),
    ],
)
def test_a_request_shrinks_as_its_steps_are_done(
    request_: Request, done: int, expected: Request | None
) -> None:
    """A target stays where it is; a number of steps is used up."""
    assert expected == request_.after(done)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (SqlScript("", "1.sql"), True),
        (SqlScript("", "1.sql", transaction=False), False),
        (SqlScript("", "1.sql", batching=Batching()), False),
        (in_python(1).up, False),
    ],
)
def test_what_may_wait_for_the_disk_is_one_transaction_of_sql(
    script: Script,
    expected: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Whatever commits more than once, or acts outside of the database, comes after a flush."""
    step = replace(make_plan([versioned(1)], History(), up(), Policy()).steps[0], script=script)
    assert expected is step.is_transactional_sql


# --- naming a version -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"), [("latest", "10"), ("007", "7"), (7, "7"), (Version("9"), "009")]
)
def test_a_version_is_found_by_its_number(target: str | int | Version, expected: str) -> None:
    """It is spelled as the file spells it; `latest` is the highest."""
    versions = [Version("10"), None, Version("7"), Version("009")]
    assert expected == find_version(target, versions).text


@pytest.mark.parametrize(
    ("target", "versions", "known"),
    [
        ("8", ["10", "7"], ("7", "10")),
        ("x", ["7"], ("7",)),
        ("-7", ["7"], ("7",)),
        ("latest", [], ()),
    ],
)
def test_a_version_that_nobody_knows_is_refused(
    target: str, versions: list[str], known: tuple[str, ...]
) -> None:
    """With the list of those that there are, in order."""
    with pytest.raises(UnknownVersionError) as caught:
        find_version(target, [Version(text) for text in versions])
    assert (target, known) == (caught.value.version, caught.value.known)
