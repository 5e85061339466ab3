"""The published page: the text between two comments in it is what was measured."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.goals import goals
from benchmarks.peers.environment import PROJECT, environment
from benchmarks.tables import tables
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.results import Results

BEGIN = "<!-- What `python -m benchmarks --publish` has measured begins here. -->"
END = "<!-- What `python -m benchmarks --publish` has measured ends here. -->"
MATPLOTLIB = ("matplotlib==3.10.*",)
PLOTS = ("noop", "apply", "heartbeat-apply", "heartbeat-noop")


def publish(page: Path, results: Results, saved: Path) -> None:
    """Put the results onto a page, and the plots into a folder of its name beside it.

    Args:
        page: A Markdown file with the two comments.
        results: What to put between them.
        saved: The file that the results are saved in.
    """
    folder = page.with_suffix("")
    drawn = plot(saved, folder)
    page.write_text(filled(page.read_text(), "\n".join(between(results, folder.name, drawn))))


def plot(saved: Path, folder: Path) -> list[str]:
    """Draw what a file of results has, and return the names of the plots."""
    run_with_matplotlib("benchmarks.plots", saved, folder)
    return sorted(path.stem for path in folder.glob("*.svg"))


def run_with_matplotlib(module: str, saved: Path, target: Path) -> None:
    """Let a module draw a file of results, in an environment that has matplotlib."""
    python = environment("plots", MATPLOTLIB) / "python"
    command = [str(python), "-m", module, str(saved.resolve()), str(target.resolve())]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


def filled(page: str, text: str, *, begin: str = BEGIN, end: str = END) -> str:
    """Return a page with another text between two comments.

    Raises:
        ValueError: It does not have both of them, in this order.
    """
    head, has_begin, rest = page.partition(begin)
    _, has_end, tail = rest.partition(end)
    if not (has_begin and has_end):
        raise ValueError(f"the page has no place for the results: {begin}")
    return f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}"


def facts(machine: Mapping[str, str], versions: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of a table that says what something was measured on."""
    yield "| what | which |"
    yield "|---|---|"
    for what, which in machine.items():
        yield f"| {what} | {which} |"
    for name, installed in versions.items():
        yield f"| {name} | {', '.join(f'{tool} {which}' for tool, which in installed.items())} |"


def between(results: Results, folder: str, plots: Sequence[str]) -> Iterator[str]:
    """Yield the lines that a page shows."""
    yield "### Goals"
    yield ""
    yield from goals(results.cells)
    yield ""
    for name in sorted(plots, key=_place_of):
        yield f"![{name}]({folder}/{name}.svg)"
        yield ""
    yield from tables(WORKLOADS, results.cells)
    yield "### Measured on"
    yield ""
    yield from facts(results.machine, results.versions)


def _place_of(plot: str) -> tuple[int, str]:
    workload, _, database = plot.rpartition("-")
    return (PLOTS.index(workload) if workload in PLOTS else len(PLOTS), database)
