"""Draw what was measured: ``python -m benchmarks.plots RESULTS FOLDER``.

It runs in an environment of its own, with matplotlib. Every plot is one SVG file.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

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
        _pulse(name, database, cells[-1], folder)
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
    figure, axes = _paper(1, 4.2)
    for contestant in dict.fromkeys(who for cell in cells for who in cell.contestants):
        points = [
            (cell.place.size, statistics.median(found.values()) * 1000)
            for cell in cells
            if (found := cell.figures(contestant, "seconds"))
        ]
        if points:
            ours = contestant.startswith("asyncmig")
            style = {"label": contestant, "color": COLOURS.get(contestant), "zorder": 2 + ours}
            axes[0].plot(*zip(*points, strict=True), **style, marker="o", markersize=3)
    axes[0].set(xscale="log", yscale="log", xlabel="migrations", ylabel="milliseconds")
    axes[0].xaxis.set_major_formatter("{x:.0f}")
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].minorticks_off()
    axes[0].legend(fontsize=7, ncols=2, framealpha=0.7)
    axes[0].set_title(f"{database}: {CURVES[name]}")
    return _save(figure, folder / f"{name}-{database}.svg")


def _pulse(name: str, database: str, cell: Cell, folder: Path) -> Path:
    """Draw a strip for each contestant: the longest gap of each stretch of its median run."""
    outlines = {who: outline for who in cell.contestants if (outline := _median_run(cell, who))}
    figure, axes = _paper(len(outlines), 0.9 + 0.62 * len(outlines))
    for strip, (contestant, outline) in zip(axes, outlines.items(), strict=True):
        points = [(at / outline[-1][0] * 100, gap * 1000) for at, gap in outline]
        points.insert(0, (0.0, points[0][1]))
        colour = COLOURS.get(contestant)
        strip.plot(*zip(*points, strict=True), color=colour, drawstyle="steps-pre", linewidth=0.9)
        strip.axhline(GOAL * 1000, color="#888888", linestyle=":")
        strip.set(yscale="log", ylim=(0.5, 10_000), yticks=(1, 10, 1000))
        strip.yaxis.set_major_formatter("{x:g}")
        strip.minorticks_off()
        strip.text(0.995, 0.7, contestant, transform=strip.transAxes, ha="right", color=colour)
    axes[-1].set_xlabel("% of the run")
    axes[0].set_title(f"{database}: {PULSES[name]}, N = {cell.place.size}\nlongest silence in ms")
    return _save(figure, folder / f"{name}-{database}.svg")


def _median_run(cell: Cell, contestant: str) -> tuple[tuple[float, float], ...]:
    """Return the outline of the run whose largest gap is the median; empty if there is none."""
    runs = [run for run in cell.runs if run.contestant == contestant and run.outline]
    ordered = sorted(runs, key=lambda run: run.figures["largest_gap_seconds"])
    return ordered[len(ordered) // 2].outline if ordered else ()


def _paper(strips: int, height: float) -> tuple[Any, Any]:
    figure = Figure(figsize=(7.2, height))
    axes = figure.subplots(strips, sharex=True, squeeze=False)[:, 0]
    for one in axes:
        one.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    return figure, axes


def _save(figure: Any, path: Path) -> Path:  # noqa: ANN401 - matplotlib's
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path


if __name__ == "__main__":
    for drawn in draw(Results.load(Path(sys.argv[1])), Path(sys.argv[2])):
        print(drawn)
