"""Where SQLite scripts are cut."""

from __future__ import annotations

import pytest

from asyncmig.sql import Dialect, split

ONE_STATEMENT = [
    "SELECT 'a;b', 'it''s;';",
    'SELECT ";", `;`, [;], [it\'s];',
    r"SELECT '\', \';\';".replace("\\';", "';"),
    "SELECT x'3b', $name, @a, :b, ?1;",
    "SELECT 1 /* ; /* ; */;",
    "SELECT 1 -- ;\r ; still the comment\n;",
    "SELECT 3 - 2, 4 / 2, a -> '$.b', c ->> '$';",
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;",
    "create temp trigger t after insert on a begin select 1; end;",
    "CREATE TEMPORARY TRIGGER IF NOT EXISTS t DELETE ON a BEGIN SELECT 1; END;",
    "EXPLAIN CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END;",
    "EXPLAIN QUERY PLAN CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END;",
    "CREATE /* x */ TRIGGER t DELETE ON a BEGIN SELECT 1; -- no END;\n /* ; END; */ END -- c\n ;",
    "CREATE TRIGGER t DELETE ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; END;",
    "CREATE TRIGGER t DELETE ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; SELECT 1; END;",
    "CREATE TRIGGER t DELETE ON a BEGIN SELECT 'x; END;'; END;",
    "CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; ENDING; END;",
    "CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END OF; END;",
    "CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END 'x'; END;",
    "CREATE TABLE trigger_log (a);",
    'CREATE TABLE "trigger" (a);',
    *[
        f"SELECT {bit * 199}{bit * count} ;"
        for bit in ("'a',", "-1", "/1", "[;]")
        for count in (1, 2, 9)
    ],
    "\ufeffCREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END;",
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
        ("SELECT (1; SELECT 2);", ["SELECT (1;", " SELECT 2);"]),
        ("SELECT 1; /* open ; ", ["SELECT 1;", " /* open ; "]),
        ("SELECT 'open; SELECT 2;", ["SELECT 'open; SELECT 2;"]),
        ("SELECT [open; SELECT 2;", ["SELECT [open; SELECT 2;"]),
        ("CREATE TRIGGER t; SELECT 1;", ["CREATE TRIGGER t; SELECT 1;"]),
        ("BEGIN; SELECT 1; END; SELECT 2", ["BEGIN;", " SELECT 1;", " END;", " SELECT 2"]),
        ("DROP TRIGGER t; SELECT 1;", ["DROP TRIGGER t;", " SELECT 1;"]),
        (r"SELECT '\'; SELECT '", [r"SELECT '\';", " SELECT '"]),
        ("SELECT $$; SELECT $$;", ["SELECT $$;", " SELECT $$;"]),
    ],
)
def test_a_script_is_cut_at_its_semicolons(script: str, expected: list[str]) -> None:
    """Parentheses hold nothing together in SQLite; a trigger ends with `; END ;`."""
    assert expected == texts(script)


def test_a_comment_that_the_script_cuts_off_is_no_statement() -> None:
    """SQLite takes the end of the input for the end of a block comment."""
    (statement,) = split("/* x; y", Dialect.SQLITE)

    assert statement.is_empty


def texts(script: str) -> list[str]:
    """Return the texts of a script's statements."""
    return [statement.text for statement in split(script, Dialect.SQLITE)]
