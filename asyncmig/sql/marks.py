"""What a lexer stops at, and the parts that both dialects' rules are built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from re import Pattern


class Kind(Enum):
    """Say what a mark is."""

    TERMINATOR = "semicolon"
    OPEN = "opening parenthesis"
    CLOSE = "closing parenthesis"
    LINE_COMMENT = "line comment"
    BLOCK_COMMENT = "block comment"
    STRING = "string"
    DOLLAR_STRING = "dollar-quoted string"
    NAME = "quoted name"
    BACKSLASH = "backslash"
    OTHER = "other"


class Mark(NamedTuple):
    """Hold one thing that the lexer stopped at.

    A named tuple, because a script of one-row INSERTs makes two marks per row, and it is built
    in half the time of a frozen dataclass.

    Attributes:
        kind: What it is.
        start: Character offset of its first character.
        end: Character offset behind its last one.
        closed: False for a string, name or comment that the end of the script cuts off.
    """

    kind: Kind
    start: int
    end: int
    closed: bool = True


Reader = Callable[[str, int, int], Mark]
"""Read the mark at a position: (script, position, floor), where the last mark ended at floor."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """Hold the lexical rules of one dialect.

    Attributes:
        quiet: Matches a stretch in which nothing can end a statement; also the empty one. It may
            stop short, but only in front of a character that has a reader.
        readers: For each character at which `quiet` may stop, the function that reads on.
        space: Matches white space.
        words: Matches a few bare words with white space between them.
        token: Matches a bare word or a number.
    """

    quiet: Pattern[str]
    readers: Mapping[str, Reader]
    space: Pattern[str]
    words: Pattern[str]
    token: Pattern[str]


# Every character beyond ASCII is a letter to both databases, the no-break space included. The
# classes name the ASCII characters that do not belong: `re` takes fifty times as long, and an
# import with it, to compile [A-Za-z_\x80-\U0010ffff].
LETTER = r"[^\x00-@\[-^`{-\x7f]"
LETTER_OR_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
NAME_PART = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
"""A letter, a digit or a dollar sign."""

WORD = rf"{LETTER}{NAME_PART}*+"
TOKEN = rf"{WORD}|[0-9]++(?:\.[0-9]++)?"

MOST_WORDS = 8
"""Enough for CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS and the name."""


def words_pattern(space: str) -> str:
    """Build the pattern of up to `MOST_WORDS` words with some of the `space` characters between.

    Its group takes part in the match when a comment follows, behind which may be more words.
    """
    return rf"{WORD}(?:[{space}]++{WORD}){{0,{MOST_WORDS - 1}}}(?:(?=[{space}]*+(--|/\*))|)"


def single(kind: Kind) -> Reader:
    """Make a reader of a mark that is one character."""

    def read(_script: str, position: int, _floor: int) -> Mark:
        return Mark(kind, position, position + 1)

    return read


def quoted(kind: Kind, closing: str) -> Reader:
    """Make a reader of something that lasts until `closing`.

    A doubled closing quote needs no rule of its own: `'it''s'` is read as two strings side by
    side, which end where the one does.
    """

    def read(script: str, position: int, _floor: int) -> Mark:
        return up_to(script, kind, position, closing, position + 1)

    return read


def up_to(script: str, kind: Kind, start: int, closing: str, inside: int) -> Mark:
    """Read a mark that lasts from `start` until `closing`, looked for from `inside` on."""
    found = script.find(closing, inside)
    if found < 0:
        return Mark(kind, start, len(script), closed=False)
    return Mark(kind, start, found + len(closing))


def line_comment(script: str, position: int, ending: Pattern[str]) -> Mark | None:
    """Read a `--` comment, without the line's end that `ending` finds."""
    if not script.startswith("--", position):
        return None
    found = ending.search(script, position)
    return Mark(Kind.LINE_COMMENT, position, found.start() if found else len(script))
