"""How a duration is spelled: the same in a setting and in a migration file."""

from __future__ import annotations

import re

WITHOUT_LIMIT = frozenset({"forever", "none"})
"""What to write for no limit at all."""

_DURATION = r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>ms|s|m|h|)"
_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_in(written: str) -> float | None:
    """Return the seconds of ``30``, ``30s``, ``500ms``, ``2m`` or ``1h``, ``None`` for no duration.

    Without a unit they are seconds: PostgreSQL's own settings would take them for milliseconds.
    """
    match = re.fullmatch(_DURATION, written.strip())
    return None if match is None else float(match["number"]) * _SECONDS[match["unit"]]
