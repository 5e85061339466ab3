"""The values that observers get."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import pytest

from asyncmig import events
from asyncmig.events import Event, MigrationApplied
from asyncmig.migration import Direction

KINDS = typing.get_args(Event)
NAMES = [
    "RunStarted",
    "LockWaiting",
    "LockAcquired",
    "BaselineRecorded",
    "MigrationStarted",
    "MigrationApplied",
    "MigrationReverted",
    "MigrationRetrying",
    "MigrationWaiting",
    "LocksReported",
    "MigrationProgressed",
    "MigrationFailed",
    "RunFinished",
]


def test_the_events_are_those_of_the_contract() -> None:
    """Their names become the names of log lines, so they stay; two more are what they share."""
    assert NAMES == [kind.__name__ for kind in KINDS]
    own = [name for name in events.__all__ if inspect.isclass(getattr(events, name))]
    assert sorted(["RunEvent", "MigrationEvent", *NAMES]) == own


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_says_which_run_on_which_database(kind: type) -> None:
    """And what is about a migration says which, and which way."""
    names = [field.name for field in dataclasses.fields(kind)]
    assert ["run_id", "database"] == names[:2]
    if kind.__name__.startswith("Migration"):
        assert ["version", "name", "direction"] == names[2:5]


@pytest.mark.parametrize("kind", KINDS)
def test_every_attribute_of_an_event_is_documented(kind: type) -> None:
    """In the order in which it is given, where it is first given: here or in what is shared."""
    described: list[str] = []
    for origin in reversed(kind.__mro__):
        attributes = (origin.__doc__ or "").partition("Attributes:")[2].splitlines()
        described += [line.strip().partition(":")[0] for line in attributes if ": " in line]
    described = list(dict.fromkeys(described))
    names = [field.name for field in dataclasses.fields(kind)]
    assert names == [name for name in described if name in names]


def test_events_are_frozen_values() -> None:
    """An observer may keep one, compare it, and use it as a key; it cannot change it."""
    event = MigrationApplied("run", "db", "1", "users", Direction.UP, 12)
    same = MigrationApplied("run", "db", "1", "users", Direction.UP, 12)
    assert {event} == {same}
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.version = "2"  # type: ignore[misc]
    assert not hasattr(event, "__dict__")
