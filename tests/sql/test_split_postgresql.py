"""Where PostgreSQL scripts are cut."""

from __future__ import annotations

import pytest

from asyncmig.sql import Dialect, Statement, split

ONE_STATEMENT = [
    "SELECT 'a;b';",
    "SELECT 'it''s;';",
    r"SELECT 'C:\';",
    r"SELECT E'it\'s;';",
    r"SELECT e'\\';",
    "SELECT E'a'';';",
    "SELECT E'a'\n  '\\';';",
    "SELECT E'a' -- goes on\n\n -- and on\n '\\';';",
    "SELECT 'a'\n'b;';",
    r"SELECT U&'\0041;' UESCAPE '!';",
    "SELECT N'a;', B'0', X'1F;';",
    r"SELECT date'\';",
    'SELECT "a;b", "say ""x;""", U&"d;";',
    "SELECT $$;$$;",
    "SELECT $a$ $$;$$ $b$;$b$ $a$;",
    "SELECT $ä1$;$ä1$;",
    "SELECT 1$$;$$;",
    "SELECT $1$$;$$;",
    "SELECT $$a$$$$;$$;",
    "SELECT $$a$$E'\\';';",
    "DO $do$ BEGIN PERFORM 1; END $do$;",
    "SELECT /* ; */ 1;",
    "SELECT /* a /* ; */ ; */ 1;",
    "SELECT /*/*/ ; */ */ 1;",
    "SELECT 1 /***/;",
    "SELECT 1 -- ;\r + 1;",
    "SELECT 1 - -1, 2 / 3, 4 ->> 'a', 5 */* ; */ 6;",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);",
    "INSERT INTO t VALUES (1, ')', now()), ((2), '(', f(g(1), ';'));",
    "INSERT INTO t VALUES (E'\\'', ';', ')');",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;",
    "CREATE OR REPLACE PROCEDURE p() BEGIN /* ; */ ATOMIC ; SELECT 1; -- c\n END ;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN b END; END;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.case FROM t; END;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 'END'; SELECT 1 AS \"END\"; END;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT end_of_day; END;",
    "CREATE FUNCTION f(begin atomic DEFAULT 1) RETURNS int AS 'SELECT 1';",
    "CREATE FUNCTION f() RETURNS int AS 'BEGIN ATOMIC; SELECT 1';",
    "CREATE FUNCTION f() RETURNS begin.atomic AS $$BEGIN ATOMIC$$;",
    "CREATE FUNCTION is_atomic() RETURNS int AS 'SELECT 1';",
    "CREATE TABLE t (begin int, atomic int);",
    "SELECT begin atomic FROM t;",
    # More than the lexer takes in one gulp, at every place where it may have to breathe.
    *[
        f"SELECT {bit * 199}{bit * count} ;"
        for bit in ("'a',", "-1", "/1", "(1),")
        for count in (1, 2, 9)
    ],
    "SELECT E'" + "\\'" * 500 + "';",
    "SELECT E'a'" + "\n--\n" * 500 + "'\\';';",
    "INSERT INTO t VALUES (" + "';'," * 500 + "');');",
]


@pytest.mark.parametrize("script", ONE_STATEMENT)
def test_a_statement_is_not_cut_inside(script: str) -> None:
    """Only a semicolon outside of everything that can hold one ends a statement."""
    following = "\nSELECT 'next';"

    assert [script, following] == texts(script + following)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("\n", ["\n"]),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("SELECT 1; -- one\nSELECT 2;\n", ["SELECT 1;", " -- one\nSELECT 2;", "\n"]),
        (";;", [";", ";"]),
        ("SELECT foo$a$; SELECT $a$;$a$", ["SELECT foo$a$;", " SELECT $a$;$a$"]),
        ("SELECT ä$$; SELECT 1 $$", ["SELECT ä$$;", " SELECT 1 $$"]),
        ("SELECT a$b$c; SELECT d$b$", ["SELECT a$b$c;", " SELECT d$b$"]),
        (r"SELECT 'a\'; SELECT 'b'", [r"SELECT 'a\';", " SELECT 'b'"]),
        (r"SELECT some'a\'; SELECT 'b'", [r"SELECT some'a\';", " SELECT 'b'"]),
        (r"SELECT a$e'\'; SELECT 'b'", [r"SELECT a$e'\';", " SELECT 'b'"]),
        (r"SELECT E'a' '\'; SELECT 'b'", [r"SELECT E'a' '\';", " SELECT 'b'"]),
        ("SELECT 1 -- ' $$ /*\n; SELECT 2", ["SELECT 1 -- ' $$ /*\n;", " SELECT 2"]),
        ("SELECT 1) ; SELECT 2", ["SELECT 1) ;", " SELECT 2"]),
        ("SELECT (1; SELECT 2;", ["SELECT (1; SELECT 2;"]),
        ("SELECT 'open; SELECT 2;", ["SELECT 'open; SELECT 2;"]),
        (r"SELECT E'open\'; SELECT 2;", [r"SELECT E'open\'; SELECT 2;"]),
        ("SELECT E'open\\", ["SELECT E'open\\"]),
        ("SELECT $a$ $$; SELECT 2;", ["SELECT $a$ $$; SELECT 2;"]),
        ("SELECT 1; /* /* */ SELECT 2;", ["SELECT 1;", " /* /* */ SELECT 2;"]),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2;",
            ["CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2;"],
        ),
        ("CREATE FUNCTION f() AS ''; END; END;", ["CREATE FUNCTION f() AS '';", " END;", " END;"]),
    ],
)
def test_a_script_is_cut_at_its_semicolons(script: str, expected: list[str]) -> None:
    """A statement begins behind the semicolon of the last one; what is left open never ends."""
    assert expected == texts(script)


def test_a_statement_says_where_it_is_and_how_it_begins() -> None:
    """Offsets are characters of the whole script; words are the bare ones at the beginning."""
    script = "-- ä\nSELECT 1;\n/* x */ create /* y */ unique\n index concurrently I on T (a); ;\n"

    assert [
        Statement("-- ä\nSELECT 1;", 0, 5, ("SELECT",)),
        Statement(
            "\n/* x */ create /* y */ unique\n index concurrently I on T (a);",
            14,
            23,
            ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "I", "ON", "T"),
        ),
        Statement(" ;", 76, 78, ()),
        Statement("\n", 78, 79, ()),
    ] == list(split(script, Dialect.POSTGRESQL))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('CREATE TABLE "t" (a int)', ("CREATE", "TABLE")),
        ("(SELECT 1)", ()),
        ("a b c d e f g h i j", ("A", "B", "C", "D", "E", "F", "G", "H")),
        ("CREATE TABLE größe", ("CREATE", "TABLE", "GRößE")),
        ("beg\u0131n", ("BEG\u0131N",)),
        ("select\u00a01", ("SELECT\u00a01",)),
    ],
)
def test_words_are_folded_as_postgresql_folds_keywords(script: str, words: tuple[str, ...]) -> None:
    """Only ASCII letters change case, and a no-break space is a letter like any other."""
    (statement,) = split(script, Dialect.POSTGRESQL)

    assert words == statement.words


@pytest.mark.parametrize(
    ("script", "is_empty", "sql"),
    [
        (" -- nothing\n ;", True, ""),
        ("/* /* */ */", True, ""),
        ("-- why\n SELECT 1 ; ", False, "SELECT 1"),
        ("SELECT 1 /* one */;", False, "SELECT 1 /* one */"),
        ("SELECT 1\n", False, "SELECT 1"),
    ],
)
def test_a_statement_shows_its_sql_without_what_surrounds_it(
    script: str, *, is_empty: bool, sql: str
) -> None:
    """`sql` begins at the first token and has no semicolon; an empty statement has none."""
    statement = next(split(script, Dialect.POSTGRESQL))

    assert (is_empty, sql) == (statement.is_empty, statement.sql)


def test_splitting_is_lazy() -> None:
    """The first statement is there before the rest of the script has been read."""
    statements = split("SELECT 1;" + "SELECT 2;" * 1000, Dialect.POSTGRESQL)

    assert "SELECT 1;" == next(statements).text


def texts(script: str) -> list[str]:
    """Return the texts of a script's statements."""
    return [statement.text for statement in split(script, Dialect.POSTGRESQL)]
