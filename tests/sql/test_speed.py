"""The time that splitting takes grows with the script and no faster."""

from __future__ import annotations

import time

import pytest

from asyncmig.sql import Dialect, line_comments_at_column_zero, problem, split

# Each is the worst for some rule: what it repeats would be read again and again by a scanner
# that backtracks, looks back, or starts anew.
REPEATED = {
    "rows": "INSERT INTO t VALUES (1, 'it''s', now());\n",
    "one long list": "('a', 1),\n",
    "opening parentheses": "(",
    "rows that do not end": "('a', 'b', (",
    "escapes": "E'\\'",
    "quotes": "'",
    "names with dollars": "a$",
    "dollar signs": "$ ",
    "other tags": "$a$ $b$ ",
    "comments": "-- a\n",
    "comments in comments": "/*",
    "continued strings": "E'a'\n--\n",
    "spaces": " \n",
    "semicolons": ";",
    "functions": "CREATE FUNCTION f() RETURNS int AS 'atomic';",
    "an endless body": "CREATE FUNCTION f() BEGIN ATOMIC ;",
    "an endless trigger": "CREATE TRIGGER t BEGIN ; /* */ END x",
    "brackets": "[",
    "words": "CREATE OR REPLACE ",
    "dashes": "- ",
}
SMALL, LARGE = 20_000, 160_000


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("piece", list(REPEATED.values()), ids=list(REPEATED))
def test_eight_times_the_script_takes_no_more_than_eight_times_as_long(
    piece: str, dialect: Dialect
) -> None:
    """Twice that is allowed, for a busy machine; a quadratic scanner would take 64 times."""
    factor = min(growth(piece, dialect) for _ in range(3))

    assert factor < 2 * LARGE / SMALL


def growth(piece: str, dialect: Dialect) -> float:
    """Return how many times longer the large script takes than the small one."""
    return seconds(piece * (LARGE // len(piece)), dialect) / seconds(
        piece * (SMALL // len(piece)), dialect
    )


def seconds(script: str, dialect: Dialect) -> float:
    """Return the processor time that reading a script in every way takes, at best of three."""

    def once() -> float:
        started = time.process_time()
        parts = sum(1 for _ in split(script, dialect))
        problem(script, dialect)
        comments = sum(1 for _ in line_comments_at_column_zero(script, dialect))
        assert parts or comments
        return time.process_time() - started

    return min(once() for _ in range(3))
