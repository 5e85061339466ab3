"""What cannot be sent to a database as it is."""

from __future__ import annotations

import pytest

from asyncmig.sql import Dialect, Problem, problem

META = (
    "{} is a command of psql, which takes no part here: the script goes straight to the server;"
    " remove it or write it in SQL."
)
DOT = (
    "{} is a command of the sqlite3 shell, which takes no part here; remove it or write it in SQL."
)
COPY = (
    "COPY … FROM STDIN needs a client that sends the data; write the rows as INSERT, or copy them"
    " in a Python migration."
)
BACKSLASH = (
    "A backslash outside of quotes means nothing to PostgreSQL; in a string double the quote"
    " ('it''s') or put an E in front of it (E'it\\'s')."
)
NUL = "There is a NUL character here, which no SQL can contain; remove it."
STRING = "The string that begins here has no closing quote."
NAME = "The quoted name that begins here has no closing quote."
COMMENT = "The comment that begins here is not closed with */."
DOLLAR = "The string that begins with $a$ here is not closed with another $a$."


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1;\n\\connect other\n", Problem(META.format("\\connect"), 10)),
        ("\\restrict Ab12\nSELECT 1;", Problem(META.format("\\restrict"), 0)),
        ("SELECT 1 \\gexec", Problem(META.format("\\gexec"), 9)),
        ("1\tx\n\\.\n", Problem(META.format("\\."), 4)),
        ("SELECT 'it\\'s', 'that\\'s';", Problem(BACKSLASH, 21)),
        (" -- a\nCOPY t (a, b) FROM STDIN;\n1\t'\n\\.\n", Problem(COPY, 6)),
        ("SELECT 1; copy public.t from stdin with (format csv);", Problem(COPY, 10)),
        ("COPY t FROM STDOUT;", Problem(COPY, 0)),
        ("SELECT 'a", Problem(STRING, 7)),
        ("SELECT E'a\\'", Problem(STRING, 8)),
        ("SELECT E'a\\", Problem(STRING, 8)),
        ("SELECT E'a'\n'b", Problem(STRING, 8)),
        ('SELECT "a', Problem(NAME, 7)),
        ("SELECT 1; /* /* */", Problem(COMMENT, 10)),
        ("SELECT $a$ $b$", Problem(DOLLAR, 7)),
        ("SELECT 'a\0b'", Problem(NUL, 9)),
        ("SELECT \\a, 'b\0", Problem(META.format("\\a"), 7)),
        ("SELECT 'a; COPY t FROM STDIN;", Problem(STRING, 7)),
    ],
)
def test_what_postgresql_cannot_take_is_found(script: str, expected: Problem) -> None:
    """The first problem is named, with the way out and its place."""
    assert expected == problem(script, Dialect.POSTGRESQL)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (".mode csv\nSELECT 1;", Problem(DOT.format(".mode"), 0)),
        ("SELECT 1;\n.read other.sql\n", Problem(DOT.format(".read"), 10)),
        ("SELECT 'a", Problem(STRING, 7)),
        ('SELECT "a', Problem(NAME, 7)),
        ("SELECT `a", Problem(NAME, 7)),
        ("SELECT [a", Problem(NAME, 7)),
        ("SELECT 1\0", Problem(NUL, 8)),
    ],
)
def test_what_sqlite_cannot_take_is_found(script: str, expected: Problem) -> None:
    """The first problem is named, with the way out and its place."""
    assert expected == problem(script, Dialect.SQLITE)


@pytest.mark.parametrize(
    "script",
    [
        "",
        r"SELECT 'C:\dir', E'\'', $$\d$$, " + '"\\" -- \\x\n /* \\y */;',
        "COPY t FROM '/tmp/x'; SELECT 'COPY t FROM STDIN';",
        "COPY (SELECT 'from stdin') TO STDOUT;",
        "COPY t TO STDIN;",
        "CREATE TABLE stdin (a int);",
        "SELECT a$b$c;",
        "SELECT 1 >= 2, 3 # 4, 5 ! 6;",
        "SELEKT )(;",
    ],
)
def test_what_the_server_can_take_is_no_problem(script: str) -> None:
    """Mistakes in the SQL are the server's to report, and quotes may hold anything."""
    assert problem(script, Dialect.POSTGRESQL) is None


@pytest.mark.parametrize(
    "script",
    [
        "SELECT 1; /* open",
        "SELECT '\n.mode csv\n', [a\n.b], t\n.c;",
        r"SELECT '\', `'`;",
    ],
)
def test_what_sqlite_can_take_is_no_problem(script: str) -> None:
    """A comment may stay open, and a dot within a statement is no command."""
    assert problem(script, Dialect.SQLITE) is None
