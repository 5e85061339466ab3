"""Many processes on one SQLite file, with a rollback journal and with WAL."""

from __future__ import annotations

from collections import Counter

import pytest

from asyncmig.request import Durability
from tests.faults.sqlite import MODES
from tests.faults.sqlite_crowd import Race, busy_service, races
from tests.faults.sqlite_forks import apart
from tests.faults.sqlite_scenario import KEYS, WITHOUT_TRANSACTION

RUNNERS = 12
ROUNDS = 3
ALONE = frozenset({"test.db"})
EITHER_WAY = pytest.mark.parametrize("durability", Durability)
ONCE = Race((), Counter(KEYS), is_right=True, files=ALONE)


@EITHER_WAY
@pytest.mark.parametrize("mode", MODES)
def test_many_processes_make_one_database(mode: str, durability: Durability) -> None:
    """From no file at all: each migration is applied once, no runner fails, nothing stays."""
    assert [ONCE] * ROUNDS == apart(races, mode, durability, RUNNERS, ROUNDS)


@EITHER_WAY
@pytest.mark.parametrize("mode", MODES)
def test_processes_that_no_lock_keeps_apart_make_one_database(
    mode: str, durability: Durability
) -> None:
    """The lock file is for the better message; each transaction looks at the history itself."""
    race = Race((), Counter(set(KEYS) - set(WITHOUT_TRANSACTION)), is_right=True, files=ALONE)

    assert [race] * ROUNDS == apart(races, mode, durability, RUNNERS, ROUNDS, is_locked=False)


@EITHER_WAY
@pytest.mark.parametrize("mode", MODES)
def test_an_application_goes_on_beside_the_runners(mode: str, durability: Durability) -> None:
    """It loses no row, is never refused, and never sees a migration without its history."""
    race, service, rows = apart(busy_service, mode, durability, 3)

    assert ONCE == race
    assert () == service.torn
    assert service.written == rows
    assert service.looks > 0
