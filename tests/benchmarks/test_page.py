"""The published page."""

from __future__ import annotations

import pytest

from benchmarks.page import BEGIN, END, between, filled
from benchmarks.peers.environment import PROJECT
from benchmarks.results import Results

PAGE = f"# Speed\n\nBefore.\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n"
PUBLISHED = PROJECT / "docs" / "explanation" / "speed.md"


def test_what_is_between_the_comments_is_replaced() -> None:
    """And nothing else; doing it twice changes nothing."""
    expected = PAGE.replace("old", "new\nlines")

    assert expected == filled(PAGE, "new\nlines\n")
    assert expected == filled(expected, "new\nlines\n")


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_a_place_for_results_is_refused(page: str) -> None:
    """Better than to lose them, or to publish them at the end of something else."""
    with pytest.raises(ValueError, match="no place for the results"):
        filled(page, "new")


def test_the_published_page_has_a_place_for_results() -> None:
    """The command that fills it is run once in a while, by hand."""
    page = PUBLISHED.read_text()

    assert page.partition(BEGIN)[0] == filled(page, "new").partition(BEGIN)[0]


def test_the_page_shows_the_plots_in_their_order() -> None:
    """Curves first; what it was measured on, last."""
    plots = ["heartbeat-noop-sqlite", "apply-sqlite", "noop-sqlite", "noop-postgresql"]
    results = Results({"cores": "2"}, {"yoyo": {"yoyo-migrations": "9.0.0", "psycopg2": "2.9"}})

    lines = list(between(results, "speed", plots))

    assert [
        "![noop-postgresql](speed/noop-postgresql.svg)",
        "![noop-sqlite](speed/noop-sqlite.svg)",
        "![apply-sqlite](speed/apply-sqlite.svg)",
        "![heartbeat-noop-sqlite](speed/heartbeat-noop-sqlite.svg)",
    ] == [line for line in lines if line.startswith("!")]
    assert ["| cores | 2 |", "| yoyo | yoyo-migrations 9.0.0, psycopg2 2.9 |"] == lines[-2:]
