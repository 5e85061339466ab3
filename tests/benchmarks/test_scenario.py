"""What the verdicts mean."""

from __future__ import annotations

import pytest

from benchmarks.scenario import Contents, Verdict, disturbed, judge

EXPECTED = Contents((2, 3), (2, 3), frozenset({"step_3"}))
AGAIN = Contents((2, 3, 3), (2, 3, 3), frozenset({"step_3"}))
MISSING = Contents((2,), (2,))
HALF = Contents((2, 3), (2,), frozenset({"step_3"}))


@pytest.mark.parametrize(
    ("found", "ended", "clean_exit", "verdict"),
    [
        (EXPECTED, True, 0, Verdict.ONCE),
        (MISSING, True, 0, Verdict.LOST),
        (HALF, True, 0, Verdict.LOST),
        (HALF, True, 1, Verdict.NEEDS_A_HAND),
        (EXPECTED, True, 1, Verdict.NEEDS_A_HAND),
        (EXPECTED, False, 0, Verdict.STUCK),
        (EXPECTED, True, None, Verdict.STUCK),
        (AGAIN, True, 0, Verdict.TWICE),
        (AGAIN, True, 1, Verdict.TWICE),
        (AGAIN, False, None, Verdict.TWICE),
    ],
)
def test_the_worst_that_applies_is_the_verdict(
    found: Contents, *, ended: bool, clean_exit: int | None, verdict: Verdict
) -> None:
    """Twice is worse than stuck, stuck than a failing run; `once` takes all that is expected."""
    assert verdict == judge(EXPECTED, found, ended=ended, clean_exit=clean_exit)


@pytest.mark.parametrize(
    ("found", "halves"),
    [
        (EXPECTED, ()),
        (AGAIN, ()),
        (MISSING, ()),
        (HALF, (3,)),
        (Contents((2,), (2, 4)), (4,)),
        (Contents(tables=frozenset({"step_3"})), (3,)),
    ],
)
def test_what_began_and_did_not_end_is_half_done(found: Contents, halves: tuple[int, ...]) -> None:
    """A migration that ran twice as a whole is not half-done; a table without rows is."""
    assert halves == found.halves


def test_a_scenario_knows_what_its_scripts_leave() -> None:
    """The third of four migrations makes a table; each but the first writes two rows."""
    scenario = disturbed("postgresql", 1)

    assert [1, 2, 3, 4] == [script.number for script in scenario.scripts]
    assert Contents((2, 3, 4), (2, 3, 4), frozenset({"step_3"})) == scenario.expected
