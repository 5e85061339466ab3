"""Where a first run begins: a decision without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import NoHistoryError, SettingsError
from asyncmig.history import History
from asyncmig.request import Changed, OutOfOrder, Policy
from asyncmig.start import baseline_for
from tests.values import applied, versioned

if TYPE_CHECKING:
    from asyncmig.request import Target

EMPTY, BEGUN = History(), applied(versioned(1))
THEIRS = ["public.orders", "public.users"]
CHOICES = [None, "none", "latest", "2"]


@pytest.mark.parametrize("choice", CHOICES)
def test_an_empty_database_gets_everything(choice: str | None) -> None:
    """Whatever is said about databases with tables: this one has none."""
    assert None is baseline_for(EMPTY, [], choice)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_database_with_a_history_goes_by_that(choice: str | None) -> None:
    """What was said for the first run stays in the settings, and does no harm."""
    assert None is baseline_for(BEGUN, THEIRS, choice)


@pytest.mark.parametrize(("choice", "expected"), [("none", None), ("latest", "latest"), ("2", "2")])
def test_what_tables_without_a_history_mean_is_for_the_caller_to_say(
    choice: str, expected: str | None
) -> None:
    """Nothing of the files is there, or all of them, or those up to one."""
    assert expected == baseline_for(EMPTY, THEIRS, choice)


def test_nobody_guesses_what_tables_without_a_history_mean() -> None:
    """The error names what is there, and every choice."""
    with pytest.raises(NoHistoryError) as caught:
        baseline_for(EMPTY, THEIRS, None)
    error = caught.value
    assert (
        "the database has no history, but it is not empty: public.orders, public.users",
        ("public.orders", "public.users"),
    ) == (error.message, error.tables)
    choices = ("--baseline none", "--baseline VERSION", "latest", "asyncmig adopt")
    assert [] == [choice for choice in choices if choice not in error.hint]


def test_a_long_list_of_tables_is_cut_short() -> None:
    """Eight names tell what database it is; a message with a thousand is read by nobody."""
    error = NoHistoryError([f"t{number}" for number in range(10)])
    assert error.message.endswith(": t0, t1, t2, t3, t4, t5, t6, t7 and 2 more")
    assert 10 == len(error.tables)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, None), ("none", "none"), ("latest", "latest"), ("007", "007"), (7, "7")],
)
def test_a_baseline_is_spelled_in_a_few_ways(given: Target | None, expected: str | None) -> None:
    """Beside whatever else the policy says."""
    assert Policy(baseline=expected) == Policy.of("error", None, given)
    warn = Policy(OutOfOrder.ERROR, Changed.WARN, Changed.WARN, expected)
    assert warn == Policy.of("error", "warn", given)


@pytest.mark.parametrize("given", ["", "newest", "-1", "V1"])
def test_what_is_no_baseline_is_refused_at_once(given: str) -> None:
    """Not on the day when a database comes along that it is meant for."""
    with pytest.raises(SettingsError, match="is not a baseline"):
        Policy.of("error", None, given)
