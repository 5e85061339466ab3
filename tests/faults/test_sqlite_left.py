"""SQLite databases that may not be written, and one whose last writer was killed."""

from __future__ import annotations

import pytest

from tests.faults.sqlite import MODES
from tests.faults.sqlite_forks import apart
from tests.faults.sqlite_left import LATER, Closed, closed, closed_hot_journal, hot_journal

PENDING = ("6 pending", "exit 7: test.db cannot be written")
CURRENT = ("0 pending", "0 applied")
TORN = "exit 5: test.db was left in the middle of a transaction, and cannot be recovered"


@pytest.mark.parametrize("in_use", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_database_that_may_not_be_written_is_read(mode: str, *, in_use: bool) -> None:
    """Nothing pending means ready, pending means exit 7; the file, its folder, or both closed."""
    answers = apart(closed, mode, in_use=in_use)

    expected = {
        (what, to): PENDING if to == LATER else CURRENT for what in Closed for to in (LATER, None)
    }
    assert expected == answers


def test_a_hot_journal_is_put_back() -> None:
    """The next visit finds the database as it was before the transaction that was killed."""
    assert (True, CURRENT, True) == apart(hot_journal)


def test_a_hot_journal_that_may_not_be_put_back_is_named() -> None:
    """Half a transaction is not read as if it were whole, and the sentence says what it is."""
    answer = f"{TORN} without writing to it"

    assert dict.fromkeys([None, *Closed], (answer, answer)) == apart(closed_hot_journal)
