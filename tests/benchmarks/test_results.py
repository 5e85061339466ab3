"""What the JSON keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.results import Cell, Place, Results, Run

if TYPE_CHECKING:
    from pathlib import Path

CELL = Cell(
    Place("noop", "sqlite", 3),
    (
        Run("floor", 0, {"seconds": 0.5}, outline=((0.1, 0.001),)),
        Run("yoyo", 0, failure="exit code 1: no such table"),
        Run("floor", 1, {"seconds": 0.25}),
    ),
    {"yoyo": "its 600 s are over"},
)
RESULTS = Results({"cores": "2"}, {"floor": {"asyncpg": "0.32.0"}}, (CELL,))


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    """Every figure, every failure and every point."""
    RESULTS.save(tmp_path / "benchmarks.json")

    assert RESULTS == Results.load(tmp_path / "benchmarks.json")


def test_the_json_has_every_run_by_itself(tmp_path: Path) -> None:
    """Others can compare in their own way."""
    RESULTS.save(tmp_path / "benchmarks.json")

    assert {
        "format": 1,
        "machine": {"cores": "2"},
        "versions": {"floor": {"asyncpg": "0.32.0"}},
        "cells": [
            {
                "place": {"workload": "noop", "database": "sqlite", "size": 3, "curve": False},
                "runs": [
                    {
                        "contestant": "floor",
                        "round": 0,
                        "figures": {"seconds": 0.5},
                        "failure": "",
                        "outline": [[0.1, 0.001]],
                    },
                    {
                        "contestant": "yoyo",
                        "round": 0,
                        "figures": {},
                        "failure": "exit code 1: no such table",
                        "outline": [],
                    },
                    {
                        "contestant": "floor",
                        "round": 1,
                        "figures": {"seconds": 0.25},
                        "failure": "",
                        "outline": [],
                    },
                ],
                "left_out": {"yoyo": "its 600 s are over"},
            }
        ],
    } == json.loads((tmp_path / "benchmarks.json").read_text())


def test_results_of_another_format_are_refused(tmp_path: Path) -> None:
    """Going on with them would mix what cannot be compared."""
    (tmp_path / "old.json").write_text('{"cells": []}')

    with pytest.raises(ValueError, match="another version"):
        Results.load(tmp_path / "old.json")


def test_a_figure_is_found_by_round() -> None:
    """A round that failed has none."""
    assert {0: 0.5, 1: 0.25} == CELL.figures("floor", "seconds")
    assert {} == CELL.figures("yoyo", "seconds")
    assert ["exit code 1: no such table"] == CELL.failures("yoyo")


def test_a_cell_is_found_by_its_place() -> None:
    """So that what was measured is not measured again."""
    assert CELL == RESULTS.at(Place("noop", "sqlite", 3))
    assert None is RESULTS.at(Place("noop", "sqlite", 3, curve=True))
