r"""PostgreSQL's lexical rules: manual section 4.1 and `src/backend/parser/scan.l`.

With `standard_conforming_strings` on, the default since 9.1. A script that switches it off and
then escapes a quote with a backslash in a plain string is read wrongly; PostgreSQL itself reads
such a script in two ways, depending on whether it comes in one message or in several.
"""

from __future__ import annotations

import re

from asyncmig.sql.marks import (
    LETTER,
    LETTER_OR_DIGIT,
    NAME_PART,
    TOKEN,
    Grammar,
    Kind,
    Mark,
    line_comment,
    quoted,
    single,
    up_to,
    words_pattern,
)

SPACE = r" \t\n\r\f\v"
PLAIN = r"[^'\"$;()/\\\-]"
# A string behind a letter e may be an E'…' string: `quote` decides.
QUIET_BITS = r"(?<![eE])'[^']*+'|\"[^\"]*+\"|-(?!-)|/(?!\*)"
# A row of values with at most plain calls in it, such as (1, 'a', now()): one match instead of
# one per parenthesis. Where the row does not end within 200 bits, `(` is read on its own.
ROW = rf"\({PLAIN}*+(?:(?:{QUIET_BITS}|\({PLAIN}*+\)){PLAIN}*+){{0,200}}\)"

LINE_END = re.compile(r"[\n\r]")
GAP = re.compile(rf"[{SPACE}]++")
COMMENT_EDGE = re.compile(r"/\*|\*/")
DOLLAR_TAG = re.compile(rf"\$(?:{LETTER}{LETTER_OR_DIGIT}*+)?\$")
IN_NAME = re.compile(NAME_PART)
REST_OF_NAME = re.compile(rf"{NAME_PART}++")
PARAMETER = re.compile(r"\$[0-9]*+")
QUOTE_OR_ESCAPES = re.compile(r"'|(?:\\.[^'\\]*+){1,200}", re.DOTALL)


def continues_name(script: str, position: int, floor: int) -> bool:
    """Tell whether the character at `position` is a further one of a name or keyword.

    `foo$bar$` is one name (4.1.1), while `1$$…$$` is a number in front of a string.
    """
    start = position
    while start > floor and IN_NAME.match(script, start - 1):
        start -= 1
    return start < position and not "0" <= script[start] <= "9"


def dollar(script: str, position: int, floor: int) -> Mark:
    """Read a dollar-quoted string, a parameter, or the rest of a name that has a `$` in it."""
    if continues_name(script, position, floor):
        rest = REST_OF_NAME.match(script, position)
        return Mark(Kind.OTHER, position, rest.end() if rest else position + 1)
    if tag := DOLLAR_TAG.match(script, position):
        return up_to(script, Kind.DOLLAR_STRING, position, tag[0], tag.end())
    parameter = PARAMETER.match(script, position)
    return Mark(Kind.OTHER, position, parameter.end() if parameter else position + 1)


def quote(script: str, position: int, floor: int) -> Mark:
    """Read a string, with backslash escapes when the `E` in front of it is a word of its own."""
    letter = position - 1
    has_escapes = (
        letter >= floor and script[letter] in "eE" and not continues_name(script, letter, floor)
    )
    if has_escapes:
        return escape_string(script, position)
    return up_to(script, Kind.STRING, position, "'", position + 1)


def escape_string(script: str, start: int) -> Mark:
    r"""Read an `E'…'` string whose quote is at `start`, and the literals that continue it.

    The continuing ones take backslash escapes as well, though they have no `E` of their own.
    """
    position = start + 1
    while found := QUOTE_OR_ESCAPES.search(script, position):
        position = found.end()
        if found[0] != "'":
            continue
        next_quote = continuing_quote(script, position)
        if next_quote is None:
            return Mark(Kind.STRING, start, position)
        position = next_quote + 1
    return Mark(Kind.STRING, start, len(script), closed=False)


def continuing_quote(script: str, end: int) -> int | None:
    """Return the offset of the quote with which a string goes on that was closed before `end`.

    It is the second of a doubled quote, or begins another literal on a later line: between the
    two are only white space with a newline in it, and line comments (4.1.2.1).
    """
    position = end
    while True:
        if gap := GAP.match(script, position):
            position = gap.end()
        comment = line_comment(script, position, LINE_END)
        if comment is None:
            break
        position = comment.end
    goes_on = position == end or LINE_END.search(script, end, position)
    return position if goes_on and script.startswith("'", position) else None


def dash(script: str, position: int, _floor: int) -> Mark:
    """Read a line comment, which a carriage return ends too, or a minus."""
    comment = line_comment(script, position, LINE_END)
    return comment or Mark(Kind.OTHER, position, position + 1)


def slash(script: str, position: int, _floor: int) -> Mark:
    """Read a block comment with the comments nested in it, or a division."""
    if not script.startswith("/*", position):
        return Mark(Kind.OTHER, position, position + 1)
    depth, end = 1, position + 2
    while depth:
        edge = COMMENT_EDGE.search(script, end)
        if edge is None:
            return Mark(Kind.BLOCK_COMMENT, position, len(script), closed=False)
        depth += 1 if edge[0] == "/*" else -1
        end = edge.end()
    return Mark(Kind.BLOCK_COMMENT, position, end)


GRAMMAR = Grammar(
    # The count of repeats bounds the memory that `re` keeps per repeat.
    quiet=re.compile(rf"{PLAIN}*+(?:(?:{QUIET_BITS}|{ROW}){PLAIN}*+){{0,200}}"),
    readers={
        "'": quote,
        '"': quoted(Kind.NAME, '"'),
        "$": dollar,
        "(": single(Kind.OPEN),
        ")": single(Kind.CLOSE),
        ";": single(Kind.TERMINATOR),
        "-": dash,
        "/": slash,
        "\\": single(Kind.BACKSLASH),
    },
    space=GAP,
    words=re.compile(words_pattern(SPACE)),
    token=re.compile(TOKEN),
)
