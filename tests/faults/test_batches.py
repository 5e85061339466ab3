"""Runners of a migration in batches are killed: no row is lost, none is changed twice.

The whole of it takes longer: ``python -m tests.faults batches``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.batches import Form, Ground, trial
from tests.faults.matrix import Fault, Verdict

if TYPE_CHECKING:
    from pathlib import Path

ROWS, KILLS = 20_000, 3


@pytest.mark.parametrize("form", Form, ids=lambda form: form.name.lower())
async def test_a_killed_migration_changes_every_row_exactly_once(
    database_url: str, tmp_path: Path, form: Form
) -> None:
    """The next runner goes on behind the last batch by itself, and what is behind it waits."""
    trials = await trial(Ground(database_url, tmp_path / "files", form, ROWS), KILLS, seed=7)

    assert {(Fault.KILL, Verdict.RECOVERED)} == {(each.fault, each.verdict) for each in trials}
