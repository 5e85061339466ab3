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
    "MigrationStarted",
    "MigrationApplied",
    "MigrationReverted",
    "MigrationRetrying",
    "MigrationFailed",
    "RunFinished",
]


def test_the_events_are_those_of_the_contract() -> None:
    """Their names become the names of log lines, so they stay."""
    assert NAMES == [kind.__name__ for kind in KINDS]
    assert [*NAMES, "Event", "Observer"] == [name for name in vars(events) if name in _public()]


def _public() -> set[str]:
    own = {name for name, value in vars(events).items() if inspect.isclass(value)}
    return {name for name in own if vars(events)[name].__module__ == events.__name__} | {
        "Event",
        "Observer",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_says_which_run_on_which_database(kind: type) -> None:
    """And what is about a migration says which, and which way."""
    names = [field.name for field in dataclasses.fields(kind)]
    assert ["run_id", "database"] == names[:2]
    if kind.__name__.startswith("Migration"):
        assert ["version", "name", "direction"] == names[2:5]


@pytest.mark.parametrize("kind", KINDS)
def test_every_attribute_of_an_event_is_documented(kind: type) -> None:
    """In the order in which it is given."""
    attributes = (inspect.getdoc(kind) or "").partition("Attributes:")[2]
    described = [line.strip().partition(":")[0] for line in attributes.splitlines() if ": " in line]
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
