"""Draw what was measured: ``python -m benchmarks.plots RESULTS FOLDER``.

It runs in an environment of its own, with matplotlib. Every plot is one SVG file.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from benchmarks.results import Results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Cell

CURVES = {
    "noop": "nothing to do, called from Python (first call)",
    "apply": "apply everything",
}
PULSES = {
    "heartbeat-apply": "the event loop while everything is applied",
    "heartbeat-noop": "the event loop while nothing is to be done",
}
COLOURS = {
    "asyncmig": "#d62728",
    "asyncmig-run": "#ff9896",
    "floor": "#222222",
    "floor-hash": "#888888",
    "alembic-sync": "#1f77b4",
    "alembic-async": "#6baed6",
    "asyncpg-trek": "#2ca02c",
    "pogo-migrate": "#9467bd",
    "yoyo": "#8c564b",
    "dbmate": "#e6a000",
}
GOAL = 0.010  # seconds: the line that the largest gap is to stay below


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw every plot that there are figures for, and return the files."""
    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "asyncmig", "font.size": 9, "path.simplify": True}
    )
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [
        _curve(name, database, cells, folder)
        for name in CURVES
        for database in ("postgresql", "sqlite")
        if len(cells := _cells(results, name, database)) > 1
    ]
    return drawn + [
        _pulse(name, database, cells[0], folder)
        for name in PULSES
        for database in ("postgresql", "sqlite")
        if (cells := _cells(results, name, database))
    ]


def _cells(results: Results, workload: str, database: str) -> list[Cell]:
    """Return one cell of each size: those of the table, and those of the curve between them."""
    wanted = (workload, database)
    found = [c for c in results.cells if (c.place.workload, c.place.database) == wanted]
    by_size = {c.place.size: c for c in sorted(found, key=lambda cell: not cell.place.curve)}
    return [by_size[size] for size in sorted(by_size)]


def _curve(name: str, database: str, cells: Sequence[Cell], folder: Path) -> Path:
    figure, axes = _paper()
    for contestant in dict.fromkeys(who for cell in cells for who in cell.contestants):
        points = [
            (cell.place.size, statistics.median(found.values()))
            for cell in cells
            if (found := cell.figures(contestant, "seconds"))
        ]
        if points:
            axes.plot(*zip(*points, strict=True), **_style(contestant), marker="o", markersize=3)
    axes.set(xscale="log", yscale="log", xlabel="migrations", ylabel="seconds")
    axes.set_title(f"{database}: {CURVES[name]}")
    return _save(figure, axes, folder / f"{name}-{database}.svg")


def _pulse(name: str, database: str, cell: Cell, folder: Path) -> Path:
    """Draw the median run of each contestant: the longest gap of each stretch of it."""
    figure, axes = _paper()
    for contestant in cell.contestants:
        runs = [run for run in cell.runs if run.contestant == contestant and run.outline]
        if runs:
            ordered = sorted(runs, key=lambda run: run.figures["largest_gap_seconds"])
            outline = ordered[len(ordered) // 2].outline
            points = [(at / outline[-1][0] * 100, gap * 1000) for at, gap in outline]
            axes.plot(*zip(*points, strict=True), **_style(contestant), linewidth=0.9)
    axes.axhline(GOAL * 1000, color="#999999", linestyle=":", label="goal: 10 ms")
    axes.set(yscale="log", xlabel="% of the run", ylabel="longest silence in ms")
    axes.set_title(f"{database}: {PULSES[name]}, N = {cell.place.size}")
    return _save(figure, axes, folder / f"{name}-{database}.svg")


def _paper() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2))
    axes = figure.add_subplot()
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    return figure, axes


def _style(contestant: str) -> dict[str, Any]:
    ours = contestant.startswith("asyncmig")
    return {
        "label": contestant,
        "color": COLOURS.get(contestant),
        "zorder": 3 if ours else 2,
    }


def _save(figure: Any, axes: Any, path: Path) -> Path:  # noqa: ANN401 - matplotlib's
    axes.legend(fontsize=7, ncols=2, framealpha=0.7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path


if __name__ == "__main__":
    for drawn in draw(Results.load(Path(sys.argv[1])), Path(sys.argv[2])):
        print(drawn)
