"""The history that a run adds to: what :meth:`History.with_entry` makes of it, at a fixed cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from asyncmig.history import Edit, Generation, History, NewRow, RowState
from asyncmig.ledger import Ledger
from asyncmig.migration import Direction, Kind, Version
from tests.values import history, row, versioned

if TYPE_CHECKING:
    import pytest

READ = history(row(1, versioned(1)), row(2, versioned(2), RowState.APPLYING))
states = st.sampled_from([RowState.APPLIED, RowState.APPLYING, RowState.REVERTED])


def edit(retires: int | None = None) -> Edit:
    """Return an edit of which only the retired row matters."""
    new = NewRow(Kind.VERSIONED, Direction.UP, Version("9"), "n", "", RowState.APPLIED)
    return Edit(new, retires=retires, retired_as=RowState.SUPERSEDED)


@given(st.lists(st.tuples(st.integers(1, 6), states, st.none() | st.integers(1, 6)), max_size=8))
def test_a_ledger_is_the_history_with_each_edit(
    noted: list[tuple[int, RowState, int | None]],
) -> None:
    """Rows appended, finished and retired, in any order; its generation is known at each step."""
    expected, ledger = READ, Ledger(READ)
    for entry_id, state, retires in noted:
        entry = row(entry_id, versioned(entry_id), state)
        expected = expected.with_entry(entry, edit(retires))
        ledger.note(entry, edit(retires))

        assert expected.generation == ledger.generation

    assert expected == ledger.history


def test_noting_a_step_looks_at_no_row_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the thousandth step of a run costs what the first one did."""
    ledger = Ledger(History())
    for looks in ("entries", "with_entry", "generation"):
        monkeypatch.delattr(History, looks)
    for entry_id in range(1, 4):
        ledger.note(row(entry_id, versioned(entry_id)), edit())

    assert Generation(3, 0) == ledger.generation


def test_a_history_is_put_together_once() -> None:
    """However often it is asked for."""
    ledger = Ledger(READ)
    ledger.note(row(3, versioned(3)), edit())

    assert (*READ, row(3, versioned(3))) == tuple(ledger.history)
    assert ledger.history is ledger.history
