"""What the outage benchmark makes of the waits that it has measured."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator
from benchmarks.outage.__main__ import options_of
from benchmarks.outage.page import BEGIN, END, LOCK_TIMEOUT, between, verdict
from benchmarks.outage.results import Result, Results, Setting, line, table
from benchmarks.outage.traffic import Answered, by_moment, longest, slow, stalled
from benchmarks.page import filled
from benchmarks.peers.environment import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = PROJECT / "docs" / "explanation" / "live-traffic.md"

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


RESULT = Result(
    exit_code=0,
    changed=True,
    runner_seconds=62.4,
    seconds=50.0,
    requests=1000,
    before=0.012,
    longest=2.004,
    stalled=10.0,
    slow=31,
    moments=((0.0, 0.01), (0.1, 2.004)),
)
RESULTS = Results(
    Setting(rate=100, clients=8, reader=60.0, patience=300.0),
    {"cores": "2", "SQLite": "3.40.1"},
    {"asyncmig": {"asyncmig": "0.1.0", "asyncpg": "0.32.0"}},
    {"asyncmig": RESULT},
)


def test_the_line_says_how_much_of_the_time_the_table_was_stalled() -> None:
    """In as many columns as the header has."""
    expected = "| tool | 0 | yes | 2.00 s | 0.01 s | 10.0 s of 50.0 s | 20% | 31 of 1000 | 62.4 s |"
    head, rule, line_of_ours = table(RESULTS)

    assert expected == line("tool", RESULT) == line_of_ours.replace("asyncmig", "tool")
    assert head.count("|") == expected.count("|") == rule.count("|")


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    """The page is written again from the file."""
    RESULTS.save(tmp_path / "outage.json")

    assert RESULTS == Results.load(tmp_path / "outage.json")


def test_what_another_release_has_written_is_refused(tmp_path: Path) -> None:
    """Its figures may mean something else."""
    (tmp_path / "outage.json").write_text("{}")

    with pytest.raises(ValueError, match="another release"):
        Results.load(tmp_path / "outage.json")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (replace(RESULT, longest=2.25), "met"),
        (replace(RESULT, longest=2.26), "**not met**"),
        (replace(RESULT, changed=False), "**not met**"),
        (replace(RESULT, exit_code=1), "**not met**"),
        (replace(RESULT, exit_code=None), "**not met**"),
    ],
)
def test_the_goal_is_a_migration_that_succeeds_and_a_bounded_wait(
    result: Result, expected: str
) -> None:
    """Both, or it is not met."""
    said = verdict(replace(RESULTS, tools={"asyncmig": result}))

    assert said.endswith(f": {expected}.")


def test_nothing_is_said_of_a_goal_that_was_not_tried() -> None:
    """The other tools have promised nothing."""
    assert verdict(replace(RESULTS, tools={"dbmate": RESULT})) == ""


def test_the_goal_is_that_of_the_default() -> None:
    """What the tool is run with."""
    assert signature(Migrator).parameters["lock_timeout"].default == LOCK_TIMEOUT


def test_the_page_says_what_was_measured_and_on_what() -> None:
    """The table, the goal, the plot, the machine."""
    lines = list(between(RESULTS, "live-traffic/waits.svg"))

    assert table(RESULTS) == lines[:3]
    assert [
        "![How long requests waited](live-traffic/waits.svg)",
        "| requests | 100 in a second, half of them writes |",
        "| cores | 2 |",
        "| asyncmig | asyncmig 0.1.0, asyncpg 0.32.0 |",
    ] == [lines[6], lines[12], *lines[-2:]]


def test_the_published_page_has_a_place_for_results() -> None:
    """The command that fills it is run once in a while, by hand."""
    page = PUBLISHED.read_text(encoding="utf-8")

    found = filled(page, "new", begin=BEGIN, end=END)

    assert page.partition(BEGIN)[0] == found.partition(BEGIN)[0]


def test_by_default_it_is_what_is_published() -> None:
    """Three tools, a reader of a minute."""
    options = options_of([])

    assert (("asyncmig", "alembic", "dbmate"), 60.0) == (options.peer, options.reader)
