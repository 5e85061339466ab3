"""What the outage benchmark makes of the waits that it has measured."""

from __future__ import annotations

from benchmarks.outage import HEADER, Result, line
from benchmarks.traffic import Answered, by_moment, longest, slow, stalled

QUICK = Answered(1.0, 0.01)
WAITED = [QUICK, Answered(2.0, 2.0), Answered(3.0, 1.5), Answered(10.0, 0.5), Answered(10.1, 0.1)]


def test_only_requests_over_the_limit_are_slow() -> None:
    """A quarter of a second by default."""
    assert [2.0, 3.0, 10.0] == [request.arrived for request in slow(WAITED)]
    assert [QUICK] == slow([QUICK], limit=0.005)


def test_a_second_in_which_several_requests_wait_is_stalled_once() -> None:
    """From 2.0 to 4.5 and from 10.0 to 10.5, in whatever order they were answered."""
    assert 3.0 == stalled(reversed(WAITED))


def test_nothing_is_stalled_without_slow_requests() -> None:
    """Nor without any."""
    assert (0.0, 0.0, 0.0) == (stalled([QUICK]), stalled([]), longest([]))


def test_a_slice_of_time_has_the_longest_wait_of_those_that_arrived_in_it() -> None:
    """Slices without requests are left out."""
    assert [(0.0, 0.01), (2.0, 2.0), (10.0, 0.5)] == by_moment(WAITED, 2.0)


def test_the_line_says_how_much_of_the_time_the_table_was_stalled() -> None:
    """In as many columns as the header has."""
    result = Result(
        exit_code=0,
        changed=True,
        runner_seconds=62.4,
        seconds=50.0,
        requests=1000,
        longest=2.004,
        stalled=10.0,
        slow=31,
        moments=(),
        complaint="",
    )
    expected = "| tool | 0 | yes | 2.00 s | 10.0 s | 20% | 31 of 1000 | 62.4 s |"
    assert expected == line("tool", result)
    assert HEADER[0].count("|") == expected.count("|") == HEADER[1].count("|")
