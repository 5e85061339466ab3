"""How figures are shown."""

from __future__ import annotations

import pytest

from benchmarks.comparison import Relation, Spread
from benchmarks.goals import goals
from benchmarks.results import Cell, Place, Run
from benchmarks.tables import amount, related, table, tables, without_paths
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.apply import Apply
from benchmarks.workloads.base import Unit

FASTER = Cell(
    Place("apply", "sqlite", 1000),
    (
        Run("floor", 0, {"seconds": 2.0, "cpu_seconds": 0.5}),
        Run("asyncmig", 0, {"seconds": 1.0, "cpu_seconds": 0.5}),
        Run("yoyo", 0, failure="exit code 1: Traceback\nsqlite3.Error: /tmp/x/y.db is locked\n"),
        Run("asyncmig", 1, {"seconds": 3.0, "cpu_seconds": 0.5}),
        Run("floor", 1, {"seconds": 2.0, "cpu_seconds": 0.5}),
    ),
    {"yoyo": "its 600 s are over"},
)
MET = "| apply 1000 | sqlite | 1000 | at most 1.1 x floor | 1.00 (0.50 to 1.50) | yes"


def test_a_table_has_a_line_for_each_contestant() -> None:
    """Medians, the ratio of each round with its spread; a failure is a line too."""
    assert [
        "| migrations | tool | wall | / floor | CPU of the runner | / floor | rounds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 1000 | floor | 2.00 s | 1.00 | 500 ms | 1.00 | 2 |",
        "| 1000 | asyncmig | 2.00 s | 1.00 (0.50 to 1.50) | 500 ms | 1.00 | 2 |",
        "| 1000 | yoyo | - | - | - | - | 1, 1 failed |",
        "",
        "- yoyo at 1000: failed in 1 of 1: `sqlite3.Error: … is locked`",
        "- yoyo at 1000: not all rounds, its 600 s are over.",
    ] == list(table(Apply(), [FASTER]))


def test_each_workload_and_database_has_a_table() -> None:
    """What was not measured has none, and the points of a curve are for the plots."""
    curve = Cell(Place("noop", "sqlite", 10, curve=True), FASTER.runs)

    lines = list(tables(WORKLOADS, [curve, FASTER]))

    assert ["### Apply everything: sqlite"] == [line for line in lines if line.startswith("#")]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0123456, Unit.TIME, "12.3 ms"),
        (0.9, Unit.TIME, "900 ms"),
        (12.3456, Unit.TIME, "12.35 s"),
        (28.6, Unit.MEMORY, "29 MB"),
        (3.0, Unit.COUNT, "3"),
        (2.05, Unit.COUNT, "2.05"),
    ],
)
def test_a_figure_has_as_many_digits_as_it_deserves(
    value: float, unit: Unit, expected: str
) -> None:
    """And its unit."""
    assert expected == amount(value, unit)


@pytest.mark.parametrize(
    ("spread", "relation", "expected"),
    [
        (Spread(1.234, 1.1, 1.5, 5), Relation.RATIO, "1.23 (1.10 to 1.50)"),
        (Spread(31.2, 9.0, 40.0, 5), Relation.RATIO, "31 (9.00 to 40)"),
        (Spread(0.02, -0.001, 0.03, 5), Relation.DIFFERENCE, "+20 ms (-1 ms to +30 ms)"),
        (Spread(0.02, 0.02, 0.02, 1), Relation.VALUE, "20 ms"),
        (None, Relation.RATIO, "-"),
    ],
)
def test_a_comparison_shows_how_far_the_rounds_are_apart(
    spread: Spread | None, relation: Relation, expected: str
) -> None:
    """A median without its spread says more than was measured."""
    assert expected == related(spread, relation, Unit.TIME)


def test_last_words_do_not_name_the_folders_of_a_machine() -> None:
    """They are published."""
    assert "cannot open …: 'denied'" == without_paths("Traceback\ncannot open /home/a/b: `denied`")


def test_a_goal_stands_beside_what_was_measured() -> None:
    """The median decides; the other tools are named, the floor is what they are compared with."""
    other = Run("alembic-sync", 0, {"seconds": 10.0})
    cell = Cell(FASTER.place, (*FASTER.runs, other))

    assert [
        "| what | database | N | goal | asyncmig | met | best of the others | worst of them |",
        "|---|---|---|---|---|---|---|---|",
        f"{MET} | 5.00 alembic-sync | 5.00 alembic-sync |",
    ] == list(goals([cell]))


@pytest.mark.parametrize(
    "ours",
    [
        (Run("asyncmig", 0, {"seconds": 2.3}),),
        (Run("asyncmig", 0, failure="exit code 1"),),
        (Run("asyncmig", 0, {"seconds": 0.1}), Run("asyncmig", 1, failure="exit code 1")),
    ],
)
def test_a_goal_is_missed_by_a_failure_too(ours: tuple[Run, ...]) -> None:
    """Whoever fails fast is not fast."""
    floor = Run("floor", 0, {"seconds": 2.0})
    (*_, line) = goals([Cell(FASTER.place, (floor, *ours))])

    assert "**no**" == line.split(" | ")[5]
