"""Cuts a script that comes piece by piece into passages of whole statements.

For scripts too long to be kept. A passage is what one message, or one call, can hold; only a
statement that is longer than that makes a longer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asyncmig.sql.plain import end_of_plain_run
from asyncmig.sql.statements import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncmig.sql.dialect import Dialect

LENGTH = 1 << 18
"""Characters of a passage, unless one statement is longer."""

_WORTH_IT = 64
"""A plain run makes a passage of its own when it is longer than this fraction of a passage."""


class Passage(NamedTuple):
    """Hold some statements that follow one another.

    Attributes:
        text: Their slice of the script. The texts of a script's passages, joined, are the script.
        is_plain: Whether there are several statements, all of them plain: see
            :func:`asyncmig.sql.plain.end_of_plain_run`.
    """

    text: str
    is_plain: bool


def passages(
    pieces: Iterable[str], dialect: Dialect, length: int = LENGTH
) -> Iterator[Passage]:
    """Yield the passages of a script; its statements are those that ``split`` would yield.

    Takes a small multiple of the memory of a passage, whatever the length of the script.

    Args:
        pieces: The script, cut anywhere.
        dialect: Whose rules apply.
        length: About how many characters a passage has.
    """
    text, enough = "", length
    for piece in pieces:
        text += piece
        if len(text) < enough:
            continue
        start = 0
        for end, is_plain in _borders(text, dialect, length, is_all=False):
            yield Passage(text[start:end], is_plain)
            start = end
        text = text[start:]
        # A long statement is read anew each time that what is known of it has doubled.
        enough = max(2 * len(text), length)
    start = 0
    for end, is_plain in _borders(text, dialect, length, is_all=True):
        yield Passage(text[start:end], is_plain)
        start = end


def _borders(
    text: str, dialect: Dialect, length: int, *, is_all: bool
) -> Iterator[tuple[int, bool]]:
    """Yield where passages end, and whether they are plain.

    The last statement is left out unless `text` is all that there is: it may go on. So is the
    rest in front of it that is hardly worth a passage.
    """
    start = position = tried = 0
    worth_it = length // _WORTH_IT
    while position < len(text):
        if position >= tried:
            tried = end_of_plain_run(text, position, position + length, dialect)
        if tried - position > worth_it:
            if position > start:
                yield position, False
            start = position = tried
            yield position, True
            continue
        end = next(split(text, dialect, position)).end
        if end == len(text) and not is_all:
            break
        position = end
        if position - start >= length:
            start = position
            yield position, False
    if position - start > (0 if is_all else worth_it):
        yield position, False
