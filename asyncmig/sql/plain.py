"""Runs over plain INSERT statements, which most of a seed file is made of, at the speed of `re`.

A statement at a time, the lexer takes a few matches and a few objects for each; 50 MB of one-row
INSERTs have half a million. Here one match swallows as many as stand side by side. It may stop
short anywhere: whatever is not plain is left to :func:`asyncmig.sql.split`, which would cut what
is plain at the same places.
"""

from __future__ import annotations

import re

from asyncmig.sql import postgresql, sqlite
from asyncmig.sql.dialect import Dialect

_MOST_BITS = 10_000
"""Of one statement: strings, and rows in parentheses. It bounds the memory that `re` takes."""


def _bits(plain: str, bits: str, most: int = 200) -> str:
    """Build the pattern of plain characters with some of the `bits` between them."""
    return rf"{plain}*+(?:(?:{bits}){plain}*+){{0,{most}}}"


def _in_parentheses(inside: str) -> str:
    return rf"(?>\({inside}\))"


def _run(space: str, statement: str) -> re.Pattern[str]:
    """Build the pattern of two or more statements, each with its semicolon."""
    return re.compile(rf"(?:[{space}]*+(?i:INSERT)[{space}]++{statement};){{2,}}")


def _postgresql() -> re.Pattern[str]:
    """Build the pattern of PostgreSQL, where parentheses have to pair up: three levels of them."""
    plain, bits = postgresql.PLAIN, postgresql.QUIET_BITS
    innermost = _in_parentheses(_bits(plain, bits))
    inner = _in_parentheses(_bits(plain, f"{bits}|{innermost}"))
    row = _in_parentheses(_bits(plain, f"{bits}|{inner}"))
    return _run(postgresql.SPACE, _bits(plain, f"{bits}|{row}", _MOST_BITS))


_RUNS = {
    Dialect.POSTGRESQL: _postgresql(),
    Dialect.SQLITE: _run(sqlite.SPACE, _bits(sqlite.PLAIN, sqlite.QUIET_BITS, _MOST_BITS)),
}


def end_of_plain_run(script: str, start: int, end: int, dialect: Dialect) -> int:
    """Return where a run of two or more plain INSERT statements ends.

    Plain: no comment, no dollar and no backslash outside of quotes, every quote closed. So nothing
    in it has to be looked at before it is sent, and each statement ends with its semicolon.

    Args:
        script: The script, or the beginning of one.
        start: Where a statement begins.
        end: What is behind this offset is not looked at.
        dialect: Whose rules apply.

    Returns:
        The offset behind the last semicolon; `start` when there is no such run.
    """
    found = _RUNS[dialect].match(script, start, end)
    return found.end() if found else start
