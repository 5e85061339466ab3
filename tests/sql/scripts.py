"""Strategies that make SQL scripts, sound and broken."""

from __future__ import annotations

from hypothesis import strategies as st

from asyncmig.sql import Dialect

SPACE = ["", " ", "\n", "\r\n", "\t", " -- it's; $$ /*\n", "/* ;' */", "\f"]
POSTGRESQL_ONLY = ["/* /* ; */ ' */", "\v", "-- ;\r"]

STATEMENTS = {
    Dialect.POSTGRESQL: [
        "SELECT 1",
        "SELECT 'a;', 'it''s', E'\\';', U&'d\\0061;', B'0', X'1F', N'n;'",
        'SELECT "a;", U&"b;"',
        "SELECT 'a'\n';b'",
        "SELECT E'a'\n'\\';b'",
        "SELECT $$;$$, $a$;$$;$a$, $ä$;$ä$",
        "SELECT foo$a$, a$$b",
        "SELECT 1 - -1, 2 / 3, (4), (((5)))",
        "INSERT INTO t VALUES (1, 'a;', now()), (2, E'\\'', '(')",
        "PREPARE p AS SELECT $1::int",
        "DO $do$ BEGIN PERFORM 1; END; $do$",
        "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2; END",
        "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; BEGIN ATOMIC'",
        "CREATE TABLE t (atomic int, größe text)",
        "BEGIN",
        "END",
    ],
    Dialect.SQLITE: [
        "SELECT 1",
        "SELECT 'a;', 'it''s', x'3b'",
        'SELECT "a;", [b;], `c;`',
        "SELECT (1), 2 - -1, 3 / 4",
        "CREATE TABLE t (a, b)",
        "CREATE TRIGGER t DELETE ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; END",
        "CREATE TEMP TRIGGER t DELETE ON a BEGIN DELETE FROM b; DELETE FROM c; END",
        "EXPLAIN CREATE TEMPORARY TRIGGER t DELETE ON a BEGIN SELECT 'END;'; END",
        "BEGIN",
        "END",
    ],
}

FRAGMENTS = [
    *["'", "''", '"', "`", "[", "]", "\\", "\\'", "e'", "E'", "U&'", "N'", "x'1F'", "'b'\n'c'"],
    *["$", "$$", "$a$", "$A$", "a$", "$1", "1", "12$", "$é$", "_", "é", "\u00a0", "1.5"],
    *["--", "-", "/*", "*/", "/", "*", "(", ")", ";", "\n", "\r", "\r\n", " ", "\t", "\f"],
    *["(1, 'a', now())", "('e', e'\\';')", ",", "::", "@", "END", ";END;", "CASE", "BEGIN "],
    *["ATOMIC ", "CREATE FUNCTION f()", "CREATE TRIGGER t ", "CREATE TEMP TRIGGER t "],
]


def broken_scripts() -> st.SearchStrategy[str]:
    """Make texts out of the fragments that lexers trip over, and out of anything else."""
    return st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=20).map("".join)


def space(dialect: Dialect) -> st.SearchStrategy[str]:
    """Make white space and comments."""
    pieces = SPACE + (POSTGRESQL_ONLY if dialect is Dialect.POSTGRESQL else [])
    return st.lists(st.sampled_from(pieces), max_size=3).map("".join)


def statement_lists(dialect: Dialect) -> st.SearchStrategy[list[str]]:
    """Make sound statements, each with space and comments around it and a semicolon behind."""
    statement = st.tuples(
        space(dialect), st.sampled_from(STATEMENTS[dialect]), space(dialect), st.just(";")
    )
    return st.lists(statement.map("".join), max_size=8)
