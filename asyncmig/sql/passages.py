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


def passages(pieces: Iterable[str], dialect: Dialect, length: int = LENGTH) -> Iterator[Passage]:
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
        while len(text) >= enough:
            passage = _first(text, dialect, length, is_all=False)
            if passage is None:
                # A long statement is read anew when what is known of it has doubled.
                enough = 2 * len(text)
                break
            yield passage
            text, enough = text[len(passage.text) :], length
    while text and (passage := _first(text, dialect, length, is_all=True)):
        yield passage
        text = text[len(passage.text) :]


def _first(text: str, dialect: Dialect, length: int, *, is_all: bool) -> Passage | None:
    """Return the first passage of a text.

    Returns:
        ``None`` when the first statement may go on behind the text, unless that is all.
    """
    position = plain_until = 0
    while position < min(length, len(text)):
        if position >= plain_until:
            plain_until = end_of_plain_run(text, position, position + length, dialect)
        if plain_until - position > length // _WORTH_IT:
            return Passage(text[: position or plain_until], is_plain=not position)
        end = next(split(text, dialect, position)).end
        if end == len(text) and not is_all:
            break
        position = end
    return Passage(text[:position], is_plain=False) if position else None
