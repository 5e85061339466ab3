"""Whether a program printed what a page shows, apart from what is different in every run."""

from __future__ import annotations

import re

_MASKS = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?", "TIME"),
    (r"\b\d+(?:\.\d+)? (?:ms|s)\b", "DURATION"),
    (r'(_ms": )\d+', r"\1N"),
    (r"postgresql://[^\s\"`]+", "POSTGRESQL"),
    (r"sha256:v1:[0-9a-f…]+", "CHECKSUM"),
    (r"(?<!\d)\d{14}(?!\d)", "TIMESTAMP"),
    (r"[ \t]+", " "),
)


def masked(text: str) -> str:
    """Return the text without times, durations, addresses and the width of columns."""
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def is_like(expected: str, actual: str) -> bool:
    """Tell whether a program printed that. ``…`` stands for anything in a line, or for lines."""
    lines = masked(expected).splitlines()
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in lines
    )
    return re.fullmatch(pattern, masked(actual) + "\n") is not None
