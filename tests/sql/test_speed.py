"""The time that splitting takes grows with the script and no faster."""

from __future__ import annotations

import time

import pytest

from asyncmig.sql import Dialect, line_comments_at_column_zero, problem, split
from asyncmig.sql.passages import passages

# Each is the worst for some rule: what it repeats would be read again and again by a scanner
# that backtracks, looks back, or starts anew.
REPEATED = {
    "rows": "INSERT INTO t VALUES (1, 'it''s', now());\n",
    "inserts that do not end": "INSERT INTO t VALUES (1, f('a', g(2)), (",
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
SMALL, LARGE = 8_000, 64_000


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("piece", list(REPEATED.values()), ids=list(REPEATED))
def test_eight_times_the_script_takes_about_eight_times_as_long(
    piece: str, dialect: Dialect
) -> None:
    """Twice that is allowed, in the best of five, for a busy machine; quadratic would be 64."""
    assert any(growth(piece, dialect) < 2 * LARGE / SMALL for _ in range(5))


def growth(piece: str, dialect: Dialect) -> float:
    """Return how many times longer the large script takes than the small one."""
    small, large = piece * (SMALL // len(piece)), piece * (LARGE // len(piece))
    return seconds(large, dialect) / seconds(small, dialect)


def seconds(script: str, dialect: Dialect) -> float:
    """Return the processor time that reading a script in every way takes."""
    started = time.process_time()
    parts = sum(1 for _ in split(script, dialect))
    comments = sum(1 for _ in line_comments_at_column_zero(script, dialect))
    found = problem(script, dialect)
    parts += sum(1 for _ in passages([script], dialect))
    assert parts or comments or found
    return time.process_time() - started
