"""Sizes as people write them: ``10MB``, ``512 kB``; a unit is 1024 of the one below.

That is how PostgreSQL writes them, too.
"""

from __future__ import annotations

import re

_SIZE = r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>b|kb|mb|gb|tb|)"
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1024


def bytes_in(written: str) -> int | None:
    """Return the bytes of ``4096``, ``512kB``, ``10 MB`` or ``1.5GB``, ``None`` for no size."""
    match = re.fullmatch(_SIZE, written.strip(), re.IGNORECASE)
    if match is None:
        return None
    names = [unit.upper() for unit in _UNITS]
    power = names.index(match["unit"].upper() or "B")
    factor: int = _STEP**power
    return round(float(match["number"]) * factor)


def size(count: int) -> str:
    """Return a number of bytes for people: ``0 B``, ``12 kB``, ``1.5 GB``."""
    number, unit = float(count), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    shown = f"{number:.1f}" if unit and number < 10 else f"{number:.0f}"  # noqa: PLR2004 - one digit
    return f"{shown.removesuffix('.0')} {_UNITS[unit]}"
