"""Laws of the planner, on histories that it made itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from asyncmig.errors import AsyncmigError, IncompleteMigrationError
from asyncmig.history import History, Problem, Progress, RowState
from asyncmig.migration import Direction, Migration
from asyncmig.plan import Step, make_plan
from asyncmig.request import OutOfOrder, Policy, Request
from asyncmig.status import active_versions, classify
from tests.values import after, down, entry_of, finished, repeatable, row, up, versioned

if TYPE_CHECKING:
    from asyncmig.history import HistoryEntry

EMPTY = History(exists=False)
LENIENT = Policy(OutOfOrder.APPLY)
numbers = st.sets(st.integers(min_value=1, max_value=30), max_size=8)
names = st.sets(st.sampled_from(["a", "b", "c"]))


@st.composite
def folders(draw: st.DrawFn) -> list[Migration]:
    """Return the files of a folder, in any order."""
    files = [versioned(number) for number in draw(numbers)]
    files += [repeatable(name) for name in draw(names)]
    return draw(st.permutations(files))


@st.composite
def partly_migrated(draw: st.DrawFn) -> tuple[list[Migration], History]:
    """Return files, and a history in which some of them were applied, in order."""
    files = draw(folders())
    some = [file for file in files if draw(st.booleans())]
    return files, perform(EMPTY, plan(some, EMPTY, up()))


def plan(files: list[Migration], rows: History, request: Request) -> tuple[Step, ...]:
    """Return the steps, late ones among them."""
    return make_plan(files, rows, request, LENIENT).steps


def perform(rows: History, steps: tuple[Step, ...]) -> History:
    """Return the history after the steps."""
    return after(rows, *(step.edit() for step in steps))


def in_force(rows: History) -> dict[str, str]:
    """Return the checksum of everything that is in the database."""
    return {entry.key: entry.checksum for entry in rows.active().values()}


@given(partly_migrated())
def test_after_a_plan_is_carried_out_nothing_is_left(
    given_: tuple[list[Migration], History],
) -> None:
    """Everything is in force as the files have it, or only the old image is wiser."""
    files, rows = given_
    done = perform(rows, plan(files, rows, up()))
    assert () == plan(files, done, up())
    assert {m.key: m.checksum for m in files} == in_force(done)


@given(partly_migrated(), st.integers(min_value=0, max_value=12))
def test_planning_again_after_any_prefix_gives_the_rest(
    given_: tuple[list[Migration], History], cut: int
) -> None:
    """A run that is killed anywhere goes on where it stopped."""
    files, rows = given_
    steps = plan(files, rows, up())
    assert steps[cut:] == plan(files, perform(rows, steps[:cut]), up())


@given(partly_migrated(), st.integers(min_value=1, max_value=9), st.integers(0, 9))
def test_a_number_of_steps_is_used_up_one_by_one(
    given_: tuple[list[Migration], History], count: int, cut: int
) -> None:
    """In both directions: what is left of the request gives the rest of the plan."""
    files, rows = given_
    for request in (up(steps=count), down(steps=count)):
        steps = [step for step in plan(files, rows, request) if step.version is not None]
        rest = request.after(cut)
        left = () if rest is None else plan(files, perform(rows, tuple(steps[:cut])), rest)
        assert steps[cut:] == [step for step in left if step.version is not None]


@given(partly_migrated())
def test_down_after_up_returns_to_what_was(given_: tuple[list[Migration], History]) -> None:
    """As many steps down as there were versions up, newest first."""
    files, _ = given_
    files = [file for file in files if file.version is not None]
    half = sorted(files, key=lambda file: file.key.zfill(3))[: len(files) // 2]
    before = perform(EMPTY, plan(half, EMPTY, up()))
    steps = plan(files, before, up())
    raised = perform(before, steps)
    if not steps:
        return
    back = plan(files, raised, down(steps=len(steps)))
    assert [step.key for step in reversed(steps)] == [step.key for step in back]
    assert in_force(before) == in_force(perform(raised, back))


@given(partly_migrated())
def test_down_to_zero_leaves_no_version(given_: tuple[list[Migration], History]) -> None:
    """Repeatables stay: nothing reverts them."""
    files, rows = given_
    bare = perform(rows, plan(files, rows, down(to=0)))
    assert [] == list(active_versions(bare))


@given(partly_migrated())
def test_the_order_of_the_files_does_not_matter(
    given_: tuple[list[Migration], History],
) -> None:
    """Folders are listed in any order."""
    files, rows = given_
    assert plan(files, rows, up()) == plan(files[::-1], rows, up())


class Deploys(RuleBasedStateMachine):
    """Old and new images, kills, reversals and edited views, in any order.

    What the database holds is kept beside the history, as the steps themselves would change it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = EMPTY
        self.files: list[Migration] = []
        self.database: dict[str, str] = {}
        self.kept: HistoryEntry | None = None

    @initialize(first=numbers)
    def begin(self, first: set[int]) -> None:
        """Start with some files."""
        self.files = [versioned(number) for number in first]

    @rule(number=st.integers(min_value=31, max_value=60), text=st.integers(0, 3))
    def write(self, number: int, text: int) -> None:
        """Add a version, and edit the view."""
        others = [m for m in self.files if m.version is not None and m.key != str(number)]
        self.files = [*others, versioned(number), repeatable("view", f"text {text}")]

    @rule(cut=st.integers(0, 8))
    def go_up(self, cut: int) -> None:
        """Go up, and be killed after so many steps."""
        self._carry_out(up(), cut)

    @rule(steps=st.integers(1, 3), cut=st.integers(0, 3))
    def go_down(self, steps: int, cut: int) -> None:
        """Go down, and be killed after so many steps."""
        self._carry_out(down(steps=steps), cut)

    @rule(back=st.integers(1, 3))
    def deploy_an_older_image(self, back: int) -> None:
        """Run what an image without the newest files would run."""
        old = sorted((m for m in self.files if m.version), key=lambda m: m.key.zfill(3))[:-back]
        behind = {m.key for m in old} != {m.key for m in self.files if m.version}
        steps = plan([*old, repeatable("view", "ancient")], self.rows, up())
        ahead = any(key not in {m.key for m in old} for key in self._versions_in_force())
        if behind and ahead:
            assert "R__view" not in {step.key for step in steps}

    @rule()
    def be_killed_in_the_middle(self) -> None:
        """Leave a migration without a transaction unfinished, then let the next run resume it."""
        if not (steps := plan(self.files, self.rows, up())):
            return
        step = steps[0]
        entry_id = self.rows.generation.newest_id + 1
        done = entry_of(step.edit(), entry_id)
        begun = row(entry_id, self._file(step), RowState.APPLYING, progress=Progress())
        self.rows = self.rows.with_entry(begun, step.edit())
        resumed = plan(self.files, self.rows, up())
        assert {step.key: begun} == {s.key: s.resumes for s in resumed if s.resumes}
        with pytest.raises(IncompleteMigrationError) as caught:
            plan(self.files, self.rows, down())
        assert (step.key,) == caught.value.versions
        self.rows = self.rows.with_entry(finished(begun, RowState.APPLIED), step.edit())
        self.database[step.key] = done.checksum

    def _carry_out(self, request: Request, cut: int) -> None:
        for step in plan(self.files, self.rows, request)[:cut]:
            if step.direction is Direction.UP:
                self.database[step.key] = step.checksum
            else:
                assert self.database.pop(step.key) == step.checksum
            self.rows = perform(self.rows, (step,))

    def _file(self, step: Step) -> Migration:
        return next(m for m in self.files if m.key == step.key)

    def _versions_in_force(self) -> list[str]:
        return [str(version) for version in active_versions(self.rows)]

    @invariant()
    def the_history_tells_what_the_database_holds(self) -> None:
        """At every moment, for versions and views."""
        assert self.database == in_force(self.rows)

    @invariant()
    def each_migration_has_at_most_one_active_row(self) -> None:
        """Which the unique index of the table asks for."""
        active = [entry.identity for entry in self.rows if entry.is_active]
        assert len(set(active)) == len(active)

    @invariant()
    def nothing_is_changed_missing_or_incomplete(self) -> None:
        """Nobody edited or removed an applied version, so nobody is told so."""
        problems = {p for s in classify(self.files, self.rows) for p in s.problems}
        assert problems <= {Problem.OUT_OF_ORDER}


Deploys.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestDeploys = Deploys.TestCase


@given(partly_migrated(), st.sampled_from(OutOfOrder), st.integers(0, 31) | st.none())
def test_a_plan_is_made_or_refused_in_a_sentence(
    given_: tuple[list[Migration], History], policy: OutOfOrder, to: int | None
) -> None:
    """Whatever is asked of whatever history: never a bug's traceback."""
    files, rows = given_
    for request in (up(to=to), down(to=to)):
        for known in (files, files[1:], []):
            with suppress(AsyncmigError):
                make_plan(known, rows, request, Policy(policy))
