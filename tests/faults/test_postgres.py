"""The fault matrix of PostgreSQL, bounded in time.

Every message at which a fault decides and each twelfth other one get one of the faults in turn. The
whole of it takes minutes: ``python -m tests.faults postgres``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.faults.matrix import Fault, Verdict, chosen
from tests.faults.postgres import FAULTS, Laboratory, Point, laboratory, points_of
from tests.faults.postgres_proxy import WITHIN
from tests.faults.scenario import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.faults.postgres_trial import Recording

EVERY = 12
DEADLY = tuple(fault for fault in FAULTS if fault is not Fault.RIVAL)
CURED = {
    "build": "CREATE INDEX CONCURRENTLY members_name ON members (name);",
    "rebuild": "REINDEX INDEX CONCURRENTLY members_name;",
    "detach": "ALTER TABLE visits DETACH PARTITION visits_old CONCURRENTLY;",
}


@pytest.fixture(scope="module")
async def lab(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Laboratory]:
    """Yield a laboratory on the server that the tests share."""
    async with laboratory(postgres_server, tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
async def recordings(lab: Laboratory) -> tuple[Recording, ...]:
    """Return what a runner says when nothing happens to it."""
    return await lab.record()


@pytest.mark.parametrize("fault", [*DEADLY, *WITHIN], ids=lambda fault: fault.value)
async def test_after_a_fault_nothing_is_lost_or_doubled(
    lab: Laboratory, recordings: tuple[Recording, ...], fault: Fault
) -> None:
    """Whatever happens at whatever message, the next runner makes the database what it must be."""
    apart = {Phase.AGAIN, Phase.TOGETHER}
    bounded = [each for each in recordings if each.phase not in apart]
    points = [point for point in points_of(bounded, EVERY) if point.fault is fault]

    outcome = await lab.try_all(points)

    assert () == outcome.failures
    assert len(points) == len(outcome.trials)


@pytest.mark.parametrize(
    "fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER], ids=lambda fault: fault.value
)
async def test_the_outcome_of_a_lost_commit_is_never_guessed(
    lab: Laboratory, recordings: tuple[Recording, ...], fault: Fault
) -> None:
    """What the runner tells is what is there, whether its COMMIT arrived or not."""
    up = recordings[0]
    commits = [position for position, said in enumerate(up.said) if said == "COMMIT;"]

    outcome = await lab.try_all([Point(up, position, fault) for position in commits])

    assert () == outcome.failures
    assert len(commits) == len(outcome.trials)


@pytest.mark.parametrize("fault", DEADLY, ids=lambda fault: fault.value)
async def test_of_a_single_transaction_there_is_all_or_nothing(
    lab: Laboratory, recordings: tuple[Recording, ...], fault: Fault
) -> None:
    """At its COMMIT, around it and at some messages before; the next runner does what is left."""
    (together,) = (each for each in recordings if each.phase is Phase.TOGETHER)
    points = chosen(together.said, EVERY)

    outcome = await lab.try_all([Point(together, position, fault) for position in points])

    assert () == outcome.failures
    assert len(points) == len(outcome.trials)


async def test_another_runner_in_between_repeats_nothing(
    lab: Laboratory, recordings: tuple[Recording, ...]
) -> None:
    """Whenever another one does all the work, this one plans anew, finds nothing and succeeds.

    With the lock held for a session that is before it is taken; behind a pooler between any two
    transactions.
    """
    direct, *_, pooled = recordings
    before_the_lock = [Point(direct, position, Fault.RIVAL) for position in range(9)]
    while_it_begins = range(20)
    positions = sorted({*while_it_begins, *chosen(pooled.said, 10)})
    anywhere = [Point(pooled, position, Fault.RIVAL) for position in positions]

    outcome = await lab.try_all([*before_the_lock, *anywhere])

    assert () == outcome.failures
    assert {Verdict.RECOVERED} == {trial.verdict for trial in outcome.trials}


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.TERMINATE])
async def test_a_connection_that_is_lost_in_a_rollback_is_an_error_of_ours(
    lab: Laboratory, recordings: tuple[Recording, ...], fault: Fault
) -> None:
    """Behind a pooler the lock is tried in a transaction that is rolled back; then it goes on."""
    pooled = recordings[-1]

    outcome = await lab.try_all([Point(pooled, pooled.said.index("ROLLBACK;"), fault)])

    assert () == outcome.failures


@pytest.mark.parametrize("said", CURED.values(), ids=CURED)
async def test_what_is_done_concurrently_is_never_asked_about(
    lab: Laboratory, recordings: tuple[Recording, ...], said: str
) -> None:
    """What became of it is in the catalogue."""
    position = recordings[0].said.index(said)

    outcome = await lab.try_all(
        [Point(recordings[0], position, fault) for fault in (*DEADLY, Fault.CANCEL_WITHIN)]
    )

    assert () == outcome.failures
    assert {Verdict.RECOVERED} == {trial.verdict for trial in outcome.trials}


async def test_a_run_that_is_not_the_recorded_one_is_no_trial(
    lab: Laboratory, recordings: tuple[Recording, ...]
) -> None:
    """A fault at another message than the named one would prove nothing, so it fails loudly."""
    before = recordings[0]
    altered = replace(before, said=(before.said[0], "ROLLBACK", *before.said[2:]))

    outcome = await lab.try_all([Point(altered, 3, Fault.CUT_BEFORE)])

    (failure,) = outcome.failures
    assert "left the recording: at 1 " in failure
