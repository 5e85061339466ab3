"""The map in CONTRIBUTING.md shows the house as it is."""

from __future__ import annotations

import re

from tests.docs.markdown import PROJECT, section, table

UNSEEN = {"__init__", "py", "version"}  # nobody looks for these


def test_the_map_shows_every_module() -> None:
    """Every module of the package, and none that is gone."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = table(section(text, "## Map of the house"))
    package = {path.stem for path in (PROJECT / "asyncmig").iterdir()}

    shown = {name for row in rows for name in re.findall(r"(\w+)(?:\.py|/)`", row[1])}

    assert package - UNSEEN - {"__pycache__"} == shown
