"""SQLite's lexical rules, as its tokenizer and `sqlite3_complete()` apply them.

Parentheses do not matter: SQLite ends a statement at any semicolon outside of a trigger.
"""

from __future__ import annotations

import re

from asyncmig.sql.marks import (
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

# The vertical tab is no white space to SQLite; a byte order mark is, wherever it stands.
SPACE = r" \t\n\r\f\ufeff"
PLAIN = r"[^'\"`\[;/\-]"
QUIET_BITS = r"'[^']*+'|\"[^\"]*+\"|`[^`]*+`|\[[^\]]*+\]|-(?!-)|/(?!\*)"
LINE_END = re.compile(r"\n")


def dash(script: str, position: int, _floor: int) -> Mark:
    """Read a line comment or a minus. Only a line feed ends the comment."""
    comment = line_comment(script, position, LINE_END)
    return comment or Mark(Kind.OTHER, position, position + 1)


def slash(script: str, position: int, _floor: int) -> Mark:
    """Read a block comment, which the end of the script may end too, or a division."""
    if not script.startswith("/*", position):
        return Mark(Kind.OTHER, position, position + 1)
    return up_to(script, Kind.BLOCK_COMMENT, position, "*/", position + 2)._replace(closed=True)


GRAMMAR = Grammar(
    # The count of repeats bounds the memory that `re` keeps per repeat.
    quiet=re.compile(rf"{PLAIN}*+(?:(?:{QUIET_BITS}){PLAIN}*+){{0,200}}"),
    readers={
        "'": quoted(Kind.STRING, "'"),
        '"': quoted(Kind.NAME, '"'),
        "`": quoted(Kind.NAME, "`"),
        "[": quoted(Kind.NAME, "]"),
        ";": single(Kind.TERMINATOR),
        "-": dash,
        "/": slash,
    },
    space=re.compile(rf"[{SPACE}]++"),
    words=re.compile(words_pattern(SPACE)),
    token=re.compile(TOKEN),
)
