"""A quick look at a script, without the lexer: has it markers, and are they plain ones?

Taken of every file at every start, so this imports nothing that only a closer look needs.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = r"[^\S\n]*"
# Two patterns instead of ^ with MULTILINE: with the newline as a literal prefix the search leaps
# from line to line, which counts on 50 MB of seed data.
# "m", at most two letters, "g": every slip of "migrate" that is worth catching, and hardly a word
# of prose, because each of these lines is looked at closely.
_BEGINNING = r"(?:m[a-z]{0,2}g|\+goose|\+migrate|create above)"
_LINE = rf"(?P<line>{_BLANK}-{{2,}}{_BLANK}{_BEGINNING}[^\n]*)"
_FIRST_LINE = re.compile(_LINE, re.IGNORECASE)
_LATER_LINE = re.compile(rf"\n{_LINE}", re.IGNORECASE)
# The ASCII part of _BLANK, and anywhere in a line.
_IN_ASCII = re.compile(rf"--[ \t\r\f\v\x1c-\x1f]*{_BEGINNING}".encode(), re.IGNORECASE)

# Text of which every character is surely outside of a string, a quoted name and a block comment, or
# surely inside: what opens is closed, by rules that both dialects share. Dollars, backslashes,
# brackets and backticks are left to the lexer.
_CLOSED = re.compile(r"""(?:[^'"$/`\[\\-]++|'[^'\\]*+'|"[^"\\]*+"|--[^\n]*+\n|-(?!-)|/(?!\*))*+""")
_FOREIGN = re.compile(r"-[^\S\n]*(?:\+goose|\+migrate|create above)", re.IGNORECASE)
PLAIN_UP = "-- migrate:up"
PLAIN_DOWN = "-- migrate:down"


def may_have_markers(script: str) -> bool:
    """Tell whether some line looks like a marker; a quick look, without the lexer."""
    return next(lines_like_markers(script), None) is not None


def may_have_markers_in(content: bytes) -> bool:
    """Tell the same of a file that is ASCII, before it is decoded; in doubt it may."""
    return _IN_ASCII.search(content) is not None


def has_foreign_marker(script: str) -> bool:
    """Tell whether some line looks like a marker of another tool, whose file it may then be."""
    return any(_FOREIGN.search(line["line"]) for line in lines_like_markers(script))


def plain_up(script: str) -> str | None:
    """Return the up part of a script that is marked plainly or not at all, without the lexer.

    Plainly: it begins with the one marker, may go on to the other, neither has options, nothing
    else resembles a marker, and in front of the second one every quote is closed.

    Returns:
        ``None`` when the script is not of that kind.
    """
    lines = list(lines_like_markers(script))
    if not lines:
        return script
    first, *others = lines
    if first["line"] != PLAIN_UP or first.start() != 0:
        return None
    start = first.end() + 1
    if not others:
        return script[start:]
    end = others[0].start("line")
    is_plain = [line["line"] for line in others] == [PLAIN_DOWN]
    return script[start:end] if is_plain and _CLOSED.fullmatch(script, start, end) else None


def lines_like_markers(script: str) -> Iterator[re.Match[str]]:
    """Yield the lines that begin as a marker does, or nearly so, as the group ``line``."""
    first, later = _FIRST_LINE.match(script), _LATER_LINE.finditer(script)
    return chain([first], later) if first else later
