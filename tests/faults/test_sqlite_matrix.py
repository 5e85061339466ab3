"""Every fault at some statements of a run on SQLite; in full: ``python -m tests.faults sqlite``."""

from __future__ import annotations

from collections import Counter

import pytest

from asyncmig.request import Durability
from tests.faults.matrix import Verdict
from tests.faults.sqlite import FAULTS, MODES, killed_rebuilds, matrix
from tests.faults.sqlite_forks import apart

EVERY = 10

pytestmark = pytest.mark.timeout(
    300
)  # some seconds of work; a crowded machine takes ten times that


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_lost_or_doubled_after_any_fault(mode: str, durability: Durability) -> None:
    """Whatever happens to a runner, the next one makes the database what it is without a fault."""
    outcome = apart(matrix, EVERY, (mode,), (durability,))

    assert () == outcome.failures
    assert set(FAULTS) == {trial.fault for trial in outcome.trials}
    verdicts = Counter(trial.verdict for trial in outcome.trials)
    assert verdicts[Verdict.RECOVERED] > 10 * verdicts[Verdict.ASKED] > 0


def test_a_killed_rebuild_keeps_every_child_row() -> None:
    """With `foreign_keys:off`, wherever the runner is killed; nobody is asked anything."""
    outcome = apart(killed_rebuilds)

    assert () == outcome.failures
    assert {Verdict.RECOVERED} == {trial.verdict for trial in outcome.trials}
