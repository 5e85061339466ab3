"""What is compared after a trial."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.scenario import Snapshot, active_rows

UP = ("versioned", "up", "001", "applied", "sha")
OVER = ("versioned", "up", "002", "reverted", "sha")
REFERENCE = Snapshot(
    catalogue=(("index", "i"),),
    data=(("ledger", "(one)"),),
    active=(UP,),
    trail=(UP, OVER),
)


def test_equal_databases_differ_in_nothing() -> None:
    """There is nothing to say about them."""
    assert "" == REFERENCE.missing_from(replace(REFERENCE))


def test_what_is_lost_or_doubled_is_named() -> None:
    """A row that is there twice is as wrong as one that is not there."""
    found = replace(REFERENCE, catalogue=(), trail=(UP, UP, OVER))

    expected = f"lost from catalogue: ('index', 'i'); too much in trail: {UP}"
    assert expected == REFERENCE.missing_from(found)


def test_the_order_of_the_history_counts() -> None:
    """A reversal before its application would be another history."""
    found = replace(REFERENCE, trail=(OVER, UP))

    assert REFERENCE.missing_from(found).startswith("another order: ")


def test_an_answered_question_leaves_rows_of_its_own() -> None:
    """They are no difference: what is in force is compared."""
    assert "" == REFERENCE.settled.missing_from(replace(REFERENCE, trail=(UP,)).settled)


def test_what_is_over_is_not_active() -> None:
    """Rows that were reverted stay in the history, and say nothing about the database."""
    assert (UP,) == active_rows((OVER, UP))
