"""Draw how long requests waited: ``python -m benchmarks.outage.plot RESULTS FILE``.

It runs in an environment of its own, with matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.outage.results import Results

if TYPE_CHECKING:
    from benchmarks.outage.results import Result

COLOURS = {"asyncmig": "#d62728", "alembic": "#1f77b4", "dbmate": "#e6a000"}
OTHER = "#555555"
SLOW = 0.25  # seconds: what the table counts from


def draw(results: Results, path: Path) -> None:
    """Draw a strip for each tool: the longest wait of those that arrived in each moment."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "asyncmig", "font.size": 9})
    figure = Figure(figsize=(7.2, 0.9 + 1.2 * len(results.tools)))
    strips = figure.subplots(len(results.tools), sharex=True, squeeze=False)[:, 0]
    for strip, (name, result) in zip(strips, results.tools.items(), strict=True):
        _strip(strip, name, result)
    strips[0].set_title("how long requests waited that arrived at that moment, in seconds")
    strips[-1].set_xlabel("seconds since the traffic began")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def _strip(strip: mpl.axes.Axes, name: str, result: Result) -> None:
    colour = COLOURS.get(name, OTHER)
    strip.plot(*zip(*result.moments, strict=True), color=colour, linewidth=0.9)
    strip.axhline(SLOW, color="#888888", linestyle=":")
    strip.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    strip.set(yscale="log", ylim=(0.0005, 200), yticks=(0.001, 0.01, 0.1, 1, 10, 100))
    strip.yaxis.set_major_formatter("{x:g}")
    strip.minorticks_off()
    strip.text(0.995, 0.8, name, transform=strip.transAxes, ha="right", color=colour)


if __name__ == "__main__":
    draw(Results.load(Path(sys.argv[1])), Path(sys.argv[2]))
