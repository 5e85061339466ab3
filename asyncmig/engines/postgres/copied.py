"""Read what ``COPY … TO STDOUT`` sends in its text format.

See PostgreSQL manual, "COPY", "File Formats", "Text Format".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[str | None, ...]

_NULL = r"\N"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def rows_of(copied: bytes | bytearray, apart: int = -1) -> Iterator[Row]:
    """Yield the rows, every value as text, NULL as ``None``.

    Args:
        copied: What was sent.
        apart: How many values to tell apart, from the last one on; those in front of them come as
            one text, with tabs between. By default all are.
    """
    for line in copied.decode().split("\n")[:-1]:
        fields = line.rsplit("\t", apart)
        yield tuple(map(_value, fields)) if "\\" in line else tuple(fields)


def _value(field: str) -> str | None:
    if "\\" not in field:  # as in most fields of a line that has one somewhere
        return field
    return None if field == _NULL else _ESCAPE.sub(_meaning, field)


def _meaning(escape: re.Match[str]) -> str:
    return _CONTROL.get(escape[1], escape[1])
