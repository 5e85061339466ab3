"""The published page: the text between two comments in it is what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.outage.results import table
from benchmarks.page import facts, filled, run_with_matplotlib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.outage.results import Results

BEGIN = "<!-- What `python -m benchmarks.outage --publish` has measured begins here. -->"
END = "<!-- What `python -m benchmarks.outage --publish` has measured ends here. -->"
PLOT = "waits.svg"

MATTERS = ("cores", "kernel", "load at the start", "PostgreSQL", "Python")
"""Of the machine. The server keeps its files in memory, and flushes nothing."""

US = "asyncmig"
LOCK_TIMEOUT = 2.0
"""Seconds: the default of asyncmig."""
LEEWAY = 0.25
"""Seconds that a request may wait beyond that."""


def publish(page: Path, results: Results, saved: Path) -> None:
    """Put the results onto a page, and the plot into a folder of its name beside it.

    Args:
        page: A Markdown file with the two comments.
        results: What to put between them.
        saved: The file that the results are saved in.
    """
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    run_with_matplotlib("benchmarks.outage.plot", saved, folder / PLOT)
    text = "\n".join(between(results, f"{folder.name}/{PLOT}"))
    page.write_text(filled(page.read_text(), text, begin=BEGIN, end=END))


def between(results: Results, plot: str) -> Iterator[str]:
    """Yield the lines that a page shows."""
    yield from table(results)
    yield ""
    yield verdict(results)
    yield ""
    yield f"![How long requests waited]({plot})"
    yield ""
    yield "### Measured on"
    yield ""
    setting = results.setting
    yield from facts(
        {
            "requests": f"{setting.rate} in a second, half of them writes",
            "connections that answer them": str(setting.clients),
            "the reader stays for": f"{setting.reader:g} s",
            **{what: which for what, which in results.machine.items() if what in MATTERS},
        },
        results.versions,
    )


def verdict(results: Results) -> str:
    """Return the line about what asyncmig promises; nothing where it did not take part."""
    ours = results.tools.get(US)
    if ours is None:
        return ""
    is_kept = ours.changed and ours.exit_code == 0 and ours.longest <= LOCK_TIMEOUT + LEEWAY
    return (
        f"The goal of asyncmig is that no request waits for longer than its `lock_timeout` "
        f"({LOCK_TIMEOUT:g} s) and {LEEWAY * 1000:g} ms: {'met' if is_kept else '**not met**'}."
    )
