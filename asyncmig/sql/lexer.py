"""Finds what matters in a script: terminators, parentheses, comments, and quotes left open.

A dialect's regular expression `quiet` runs over everything that cannot end a statement: words,
numbers, operators, closed strings, whole rows of values. Where it stops, a short function per
character (a reader) decides what stands there. So megabytes of seed data cost a few matches per
row, and every rule of the language is a few lines of Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.sql import postgresql, sqlite
from asyncmig.sql.dialect import Dialect
from asyncmig.sql.marks import MOST_WORDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql.marks import Grammar, Mark


def grammar_of(dialect: Dialect) -> Grammar:
    """Return the rules of a dialect.

    Not a dictionary: the hash of an enum's member costs more than all of this.
    """
    return sqlite.GRAMMAR if dialect is Dialect.SQLITE else postgresql.GRAMMAR


def marks(script: str, dialect: Dialect, start: int = 0) -> Iterator[Mark]:
    """Yield the marks of `script` from `start` on, in order.

    Closed strings and names, and parentheses that pair up, may be passed over in silence.

    Args:
        script: Any text; broken SQL too.
        dialect: Whose rules apply.
        start: Where to begin: an offset outside of strings, names and comments.
    """
    grammar = grammar_of(dialect)
    quiet, readers = grammar.quiet.match, grammar.readers
    position = floor = start
    end = len(script)
    while (stretch := quiet(script, position)) and (position := stretch.end()) < end:
        mark = readers[script[position]](script, position, floor)
        yield mark
        position = floor = mark.end


def skip_trivia(script: str, position: int, dialect: Dialect) -> int:
    """Return the offset of the first token at or after `position`: no space, no comment."""
    grammar = grammar_of(dialect)
    while True:
        if gap := grammar.space.match(script, position):
            position = gap.end()
        if script[position : position + 2] not in {"--", "/*"}:
            return position
        position = grammar.readers[script[position]](script, position, position).end


def leading_words(script: str, position: int, dialect: Dialect) -> tuple[str, ...]:
    """Return the bare words that `script` has from the token at `position` on, in upper case.

    It stops at the first token of another kind, or after eight words.
    """
    grammar = grammar_of(dialect)
    words: list[str] = []
    while match := grammar.words.match(script, position):
        words += words_of(match[0], grammar)
        if match.lastindex is None or len(words) >= MOST_WORDS:
            break
        position = skip_trivia(script, match.end(), dialect)
    return tuple(words[:MOST_WORDS])


def words_of(text: str, grammar: Grammar) -> list[str]:
    """Return bare words with white space between them, in upper case."""
    if text.isascii():  # by far the faster way, and beyond ASCII a space can be a letter
        return text.upper().split()
    return grammar.space.split(upper(text))


def upper(text: str) -> str:
    """Fold `text` to upper case the way both databases fold keywords: ASCII letters only.

    `str.upper` alone would turn a Turkish dotless i into an I, and a name into a keyword.
    """
    if text.isascii():
        return text.upper()
    return "".join(letter.upper() if letter.isascii() else letter for letter in text)


def tokens(script: str, dialect: Dialect, start: int = 0, end: int | None = None) -> Iterator[str]:
    """Yield the tokens of `script` between two offsets, without space and comments.

    Words come in upper case, strings and quoted names whole and as they are written, everything
    else one character (or number) at a time. Meant for single statements: `marks` is what can
    run over megabytes.
    """
    readers = grammar_of(dialect).readers
    for begin, behind in token_spans(script, dialect, start, end):
        token = script[begin:behind]
        yield token if script[begin] in readers else upper(token)


def token_spans(
    script: str, dialect: Dialect, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield where each token begins and ends, see :func:`tokens`."""
    grammar = grammar_of(dialect)
    stop = len(script) if end is None else end
    position = floor = start
    while (position := skip_trivia(script, position, dialect)) < stop:
        begin = position
        if reader := grammar.readers.get(script[begin]):
            position = floor = reader(script, begin, floor).end
        else:
            word = grammar.token.match(script, begin)
            position = word.end() if word else begin + 1
        yield begin, position


def solid_spans(script: str, dialect: Dialect) -> list[tuple[int, int]]:
    """Return where tokens and comments begin and end: inside of one, nothing else can begin."""
    comments = {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT}
    spans = [(mark.start, mark.end) for mark in marks(script, dialect) if mark.kind in comments]
    return sorted([*spans, *token_spans(script, dialect)])
