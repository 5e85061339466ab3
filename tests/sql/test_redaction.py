"""What is shown of a statement that somebody else has sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncmig.sql import Dialect, without_literals

SECRET = "s3cret"


def shown(script: str, longest: int = 200) -> str:
    """Return a statement as it is shown."""
    return without_literals(script, Dialect.POSTGRESQL, longest=longest)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT * FROM users", "SELECT * FROM users"),
        ("UPDATE t\n   SET a = 1 -- s3cret\n WHERE b=$1;", "UPDATE t SET a = 1 WHERE b=$1;"),
        ("ALTER ROLE app PASSWORD 's3cret'", "ALTER ROLE app PASSWORD '…'"),
        ("ALTER ROLE app PASSWORD E's3\\ncret'", "ALTER ROLE app PASSWORD E'…'"),
        ("ALTER ROLE app PASSWORD $$s3cret$$", "ALTER ROLE app PASSWORD '…'"),
        ("ALTER ROLE app PASSWORD $x$s3cret$x$", "ALTER ROLE app PASSWORD '…'"),
        ("ALTER ROLE app PASSWORD 's3cret", "ALTER ROLE app PASSWORD '…'"),
        ("SELECT dblink('password=s3cret') /* s3cret */", "SELECT dblink('…')"),
        ('SELECT "a b" FROM "My App".t', 'SELECT "a b" FROM "My App".t'),
        ("SELECT 'a\\', 's3cret'", "SELECT '…' …"),
        ("", ""),
    ],
)
def test_literals_and_comments_are_left_out(script: str, expected: str) -> None:
    """Passwords are literals; a statement that is cut off in one shows nothing of it either."""
    assert expected == shown(script)


@given(
    before=st.text(st.sampled_from("ab '\"$-/*;\n\\eE"), max_size=12),
    kind=st.sampled_from(["'{}'", "E'{}'", "$$ {} $$", "$x$ {}$x$"]),
    length=st.integers(0, 40),
)
def test_a_secret_inside_of_a_string_is_never_shown(before: str, kind: str, length: int) -> None:
    """Whatever strings stand in front of it, and wherever the server cut the statement off."""
    in_front = before.replace("'", "''").replace("\\", "")
    script = f"SELECT '{in_front}', " + kind.format(SECRET)

    assert SECRET not in shown(script[: len(script) - length])


def test_a_long_statement_is_cut() -> None:
    """One line of a log is enough."""
    found = shown("SELECT " + ", ".join(["a"] * 500))

    assert (200, "SELECT a, a", "…") == (len(found), found[:11], found[-1])
