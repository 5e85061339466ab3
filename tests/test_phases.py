"""Migrations that wait until the new code is everywhere: what is planned, told and refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.errors import OutOfOrderError, SettingsError, TargetError
from asyncmig.history import History, Problem, RowState, State
from asyncmig.migration import Direction, Migration, Phase
from asyncmig.plan import make_plan
from asyncmig.request import Phases, Policy, Request
from asyncmig.status import classify
from tests.fake_engine import FakeDatabase, begun, run_on
from tests.values import applied, repeatable, versioned


def _post(version: int) -> Migration:
    migration = versioned(version)
    return replace(migration, up=replace(migration.up, phase=Phase.POST))


ADD, DROP, USE = versioned(1), _post(2), versioned(3)
VIEW = repeatable("totals")


def _planned(
    request: Request, history: History, files: tuple[Migration, ...] = (ADD, DROP, USE)
) -> list[str]:
    return [step.key for step in make_plan(files, history, request, Policy()).steps]


@pytest.mark.parametrize(("phase", "expected"), [("pre", ["1", "3"]), ("all", ["1", "2", "3"])])
def test_up_leaves_what_waits_for_the_new_code(phase: str, expected: list[str]) -> None:
    """Unless it is told that the new code is everywhere."""
    assert expected == _planned(Request.up(phase=phase), History())


def test_what_waited_is_not_late_when_its_time_has_come() -> None:
    """The version above it was applied first on purpose."""
    history = applied(ADD, USE)
    assert ["2"] == _planned(Request.up(phase="post"), history)
    (found,) = [s for s in classify((ADD, DROP, USE), history) if s.key == "2"]
    assert (State.PENDING, (), True, Phase.POST) == (
        found.state,
        found.problems,
        found.is_postponed,
        found.phase,
    )


def test_what_does_not_wait_is_late_as_ever() -> None:
    """A version below one that was applied after the code went out."""
    with pytest.raises(OutOfOrderError):
        _planned(Request.up(), applied(DROP, USE))
    (late, *_) = classify((ADD, DROP, USE), applied(DROP, USE))
    assert (Problem.OUT_OF_ORDER,) == late.problems


def test_the_old_is_not_taken_away_before_the_new_is_there() -> None:
    """The code that is everywhere needs what comes before."""
    with pytest.raises(TargetError) as caught:
        _planned(Request.up(phase="post"), History())
    assert (
        "migration 2 waits for the new code, and 1 before it is pending",
        "apply that first: `asyncmig up`",
    ) == (caught.value.message, caught.value.hint)


def test_the_new_may_be_pending_behind_what_takes_the_old_away() -> None:
    """It belongs to the next release."""
    assert ["2"] == _planned(Request.up(phase="post"), applied(ADD))


def test_nothing_is_refused_when_nothing_waits() -> None:
    """A deployment may ask for both phases every time."""
    assert [] == _planned(Request.up(phase="post"), History(), (ADD, USE))


@pytest.mark.parametrize("steps", [1, 2])
def test_a_number_of_steps_counts_those_of_the_phase(steps: int) -> None:
    """What is left out takes no step."""
    assert ["1", "3"][:steps] == _planned(Request.up(steps=steps), History())


def test_repeatables_run_although_something_waits() -> None:
    """They are of the first phase, and behind everything of that."""
    assert ["1", "3", "R__totals"] == _planned(Request.up(), History(), (ADD, DROP, USE, VIEW))


def test_a_second_phase_that_was_begun_is_finished_by_any_run() -> None:
    """Half of it is in the database."""
    bare = replace(DROP, up=replace(DROP.up, transaction=False))
    history = applied(ADD)
    (step,) = make_plan([ADD, bare], history, Request.up(phase="post"), Policy()).steps
    database = FakeDatabase(history)
    database.append(begun(step))
    assert ["2"] == _planned(Request.up(), database.rows, (ADD, bare))


def test_what_was_applied_in_the_second_phase_is_reverted_like_the_rest() -> None:
    """By version, newest first."""
    down = Request(Direction.DOWN, steps=3)
    assert ["3", "2", "1"] == _planned(down, applied(ADD, USE, DROP))


async def test_redo_leaves_what_waits() -> None:
    """Only the newest goes down and up."""
    database = FakeDatabase(applied(ADD, USE))
    await run_on(database, [ADD, DROP, USE]).redo()
    assert [("1", "applied"), ("3", "reverted"), ("3", "reverted"), ("3", "applied")] == (
        database.states
    )


async def test_redo_of_the_second_phase_leaves_the_first() -> None:
    """It is the newest version that is applied."""
    database = FakeDatabase(applied(ADD, DROP))
    await run_on(database, [ADD, DROP, USE]).redo()
    assert RowState.APPLIED.value == database.states[-1][1]
    assert "2" == database.states[-1][0]


def test_a_phase_that_there_is_none_of_is_refused() -> None:
    """With the choices."""
    with pytest.raises(SettingsError, match="later") as caught:
        Phases.of("later")
    assert "phase: pre, post or all" == caught.value.hint
