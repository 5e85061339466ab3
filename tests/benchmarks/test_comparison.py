"""How two contestants are compared."""

from __future__ import annotations

import pytest

from benchmarks.comparison import Relation, Spread, compare, spread


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        (Relation.RATIO, Spread(2.0, 1.0, 3.0, 3)),
        (Relation.DIFFERENCE, Spread(2.0, 0.0, 4.0, 3)),
        (Relation.VALUE, Spread(4.0, 3.0, 6.0, 3)),
    ],
)
def test_contestants_are_compared_within_each_round(relation: Relation, expected: Spread) -> None:
    """The machine may be busier in one round than in another: 4, 3 and 6 beside 2, 3 and 2."""
    ours, theirs = {0: 4.0, 1: 3.0, 2: 6.0}, {0: 2.0, 1: 3.0, 2: 2.0}

    assert expected == compare(ours, theirs, relation)


def test_a_round_that_one_of_them_failed_in_is_left_out() -> None:
    """Only the last of these rounds has both."""
    assert Spread(3.0, 3.0, 3.0, 1) == compare({0: 9.0, 2: 6.0}, {1: 1.0, 2: 2.0})


def test_nothing_is_made_up_without_a_common_round() -> None:
    """A ratio to nothing is none, not a number."""
    assert [None, None] == [compare({0: 1.0}, {1: 1.0}), spread([])]
