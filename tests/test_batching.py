"""How large the next batch is, how far a run of them is, and the mark on a function."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asyncmig
from asyncmig.batching import Forecast, Pace, batching_of, is_worth_telling, never_ends
from asyncmig.migration import Batching

THOUSAND = Batching(size=1000, target=0.5)


def sizes(pace: Pace, *seconds: float) -> list[int]:
    """Return the sizes of the batches behind those that took so long."""
    found: list[int] = []
    for took in seconds:
        pace = pace.after(took)
        found.append(pace.size)
    return found


def test_batches_grow_until_they_take_their_time() -> None:
    """At most twofold in one step, and not beyond a hundred times what the author wrote."""
    fast = Pace.of(THOUSAND)

    assert [2000, 4000, 8000] == sizes(fast, 0.01, 0.02, 0.04)
    assert 100_000 == sizes(fast, *[0.001] * 12)[-1]


def test_batches_that_are_too_slow_shrink_at_once() -> None:
    """To a tenth in one step, and not below a tenth of what the author wrote."""
    assert [100, 100] == sizes(Pace.of(THOUSAND), 60.0, 60.0)
    assert [500] == sizes(Pace.of(THOUSAND), 1.0)


def test_one_slow_batch_among_fast_ones_is_no_reason_to_crawl() -> None:
    """The newest counts most, but those before it count too."""
    pace = Pace.of(THOUSAND).after(0.5)

    assert (1000, [625]) == (pace.size, sizes(pace, 1.25))


def test_an_earlier_run_hands_its_size_on() -> None:
    """As far as the author's size, which may be another one by now, lets it."""
    assert (5000, 100, 100_000, 1) == (
        Pace.of(THOUSAND, 5000).size,
        Pace.of(THOUSAND, 3).size,
        Pace.of(THOUSAND, 1_000_000).size,
        Pace.of(Batching(size=1), 0).size,
    )


@given(st.lists(st.floats(0, 100, allow_nan=False)), st.integers(1, 10_000))
def test_a_size_stays_within_its_bounds(seconds: list[float], size: int) -> None:
    """Whatever the batches take; a clock that stands still too."""
    for found in sizes(Pace.of(Batching(size=size)), *seconds):
        assert max(1, math.floor(size / 10)) <= found <= 100 * size


def test_a_forecast_goes_by_the_rate_of_this_run() -> None:
    """Rows in a second, and how long the rest takes at that."""
    forecast = Forecast(rows=500, seconds=2.0, expected=2000)

    assert (250.0, 1500, 6.0) == (
        forecast.rate,
        forecast.remaining_rows,
        forecast.remaining_seconds,
    )


@pytest.mark.parametrize(
    ("forecast", "rows"),
    [
        (Forecast(500, 2.0), None),
        (Forecast(2001, 2.0, 2000), None),
        (Forecast(0, 2.0, 2000), 2000),
        (Forecast(500, 0.0, 2000), 1500),
    ],
)
def test_what_nobody_can_tell_is_not_told(forecast: Forecast, rows: int | None) -> None:
    """Without a reckoning, or once that was wrong, or before anything was done."""
    assert (rows, None) == (forecast.remaining_rows, forecast.remaining_seconds)


def test_progress_is_told_often_at_first_and_seldom_later() -> None:
    """The first batch at once; in the end every half a minute."""
    told: list[int] = []
    last: float | None = None
    for tenths in range(36_000):
        if is_worth_telling(tenths / 10, last):
            last = tenths / 10
            told.append(tenths)

    assert [0, 10, 20, 30] == told[:4]
    assert 300 == told[-1] - told[-2]
    assert 200 > len(told)


@pytest.mark.parametrize(
    ("rows", "known", "expected"),
    [
        (30_000, 10_000, False),
        (30_001, 10_000, True),
        (10_001, 0, True),
        (10_000, 0, False),
        (10**9, None, False),
    ],
)
def test_a_statement_that_changes_more_than_there_is_never_ends(
    rows: int,
    known: int | None,
    expected: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    """Twice the rows of its tables and ten batches: rows may be added, or changed twice."""
    assert expected is never_ends(rows, known, THOUSAND)


def test_the_decorator_marks_a_function_and_changes_nothing() -> None:
    """What it was given can be read again."""

    async def up(batch: asyncmig.Batch[int]) -> int | None:
        return batch.after

    marked = asyncmig.batches(size=9, target=2, pause=0.5, replica_lag=10)(up)

    assert marked is up
    assert Batching(9, 2, 0.5, 10) == batching_of(marked)
    assert batching_of(test_a_forecast_goes_by_the_rate_of_this_run) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"size": 0}, "the size of a batch is 1 to 10000000 rows"),
        ({"target": 61}, "the target of a batch is above 0 and at most 60 s"),
        ({"pause": -1}, "the pause between batches is 0 to 30 s"),
        ({"replica_lag": 0}, "the lag that replicas may have is above 0 s"),
    ],
)
def test_a_value_out_of_its_bounds_is_refused(arguments: dict[str, int], sentence: str) -> None:
    """By the decorator too, for those who run the file by themselves."""
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        asyncmig.batches(**arguments)
