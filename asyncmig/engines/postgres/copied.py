"""Read what ``COPY … TO STDOUT`` sends in its text format.

See PostgreSQL manual, "COPY", "File Formats", "Text Format".
"""

from __future__ import annotations

import re

Row = tuple[str | None, ...]

_NULL = r"\N"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def rows_of(copied: bytes | bytearray) -> list[Row]:
    """Return the rows, every value as text, NULL as ``None``."""
    lines = copied.decode().split("\n")[:-1]
    return [
        tuple(map(_value, line.split("\t"))) if "\\" in line else tuple(line.split("\t"))
        for line in lines
    ]


def _value(field: str) -> str | None:
    return None if field == _NULL else _ESCAPE.sub(_meaning, field)


def _meaning(escape: re.Match[str]) -> str:
    return _CONTROL.get(escape[1], escape[1])
