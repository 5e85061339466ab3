"""What holds for every script, and what PostgreSQL's and SQLite's own code says of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pglast.parser import ParseError, scan
from pglast.parser import split as parser_split

from asyncmig.sql import Dialect, problem, split
from asyncmig.sql.lexer import marks, skip_trivia
from asyncmig.sql.marks import Kind
from asyncmig.sql.statements import first_terminator, terminators
from tests.sql.scripts import broken_scripts, statement_lists

if TYPE_CHECKING:
    from collections.abc import Iterator

dialects = st.sampled_from(Dialect)


@given(broken_scripts(), dialects)
def test_no_character_is_lost(script: str, dialect: Dialect) -> None:
    """The statements, joined, are the script, whatever it is; each knows its place in it."""
    statements = list(split(script, dialect))

    assert script == "".join(statement.text for statement in statements)
    for statement in statements:
        end = statement.offset + len(statement.text)
        assert statement.text == script[statement.offset : end]
        assert statement.offset <= statement.body <= end


@given(st.data(), dialects)
def test_what_was_joined_comes_apart_again(data: st.DataObject, dialect: Dialect) -> None:
    """Sound statements one after the other are cut where they were put together."""
    statements = data.draw(statement_lists(dialect))

    assert statements == [part.text for part in split("".join(statements), dialect)]


@given(broken_scripts(), dialects)
def test_the_short_way_to_a_semicolon_leads_where_the_long_one_does(
    script: str, dialect: Dialect
) -> None:
    """What is quiet up to a semicolon needs no marks, and with them ends there too."""
    for statement in split(script, dialect):
        found = next(terminators(script, statement.body, dialect), None)

        assert found == first_terminator(script, statement.body, dialect)


@given(statement_lists(Dialect.POSTGRESQL))
def test_postgresql_parses_the_same_statements(statements: list[str]) -> None:
    """PostgreSQL's parser begins a statement where ours has its first token."""
    script = "".join(statements)

    assert begins_in_parser(script) == [
        statement.body for statement in split(script, Dialect.POSTGRESQL) if not statement.is_empty
    ]


@given(broken_scripts())
@example("SELECT E'a' -- goes on\n'\\';'; SELECT 1$$;$$, a$$;$$b")
def test_postgresql_scans_the_same_semicolons(script: str) -> None:
    """Where PostgreSQL's scanner reads a script at all, it sees the semicolons that we see."""
    assume("\0" not in script)
    expected = semicolons_in_scanner(script)
    assume(expected is not None)

    assert expected == [
        mark.start for mark in marks(script, Dialect.POSTGRESQL) if mark.kind is Kind.TERMINATOR
    ]


@given(broken_scripts())
def test_postgresql_finds_the_same_things_left_open(script: str) -> None:
    """What PostgreSQL's scanner calls unterminated is a problem, and nothing else is left open."""
    assume("\0" not in script and "\\" not in script)
    found = problem(script, Dialect.POSTGRESQL)
    complaint = complaint_of_scanner(script)
    assume(complaint is None or complaint.startswith("unterminated"))

    assert (complaint is not None) == (found is not None)


@given(broken_scripts())
@example("CREATE TRIGGER t BEGIN SELECT 1; /* ; END; */ END ; SELECT 2;")
def test_sqlite_completes_statements_where_they_are_cut(script: str) -> None:
    """`sqlite3_complete()`, asked at every semicolon, says where a statement is complete."""
    # It has no byte order mark and ends no comment or statement at a NUL.
    assume("\0" not in script and "\ufeff" not in script)

    assert list(complete_statements(script)) == [
        statement.text for statement in split(script, Dialect.SQLITE)
    ]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_oracles_see_the_statements_that_the_strategies_make(dialect: Dialect) -> None:
    """The statements to join are sound: else the comparisons above would compare nothing."""
    script = "SELECT 1; SELECT ';';"
    oracle = complete_statements(script) if dialect is Dialect.SQLITE else begins_in_parser(script)

    assert 2 == len(list(oracle))


def begins_in_parser(script: str) -> list[int]:
    """Return where each statement begins to PostgreSQL's parser: at its first token."""
    slices = parser_split(script, with_parser=True, only_slices=True)
    return [skip_trivia(script, found.start, Dialect.POSTGRESQL) for found in slices]


def semicolons_in_scanner(script: str) -> list[int] | None:
    """Return where PostgreSQL's scanner sees semicolons; None when it cannot read the script."""
    if complaint_of_scanner(script) is not None:
        return None
    return [token.start for token in scan(script) if token.name == "ASCII_59"]


def complaint_of_scanner(script: str) -> str | None:
    """Return what PostgreSQL's scanner says of a script that it cannot read."""
    try:
        scan(script)
    except ParseError as error:
        return str(error)
    return None


def complete_statements(script: str) -> Iterator[str]:
    """Yield the parts of a script that SQLite calls complete, and what remains."""
    start = 0
    for end, letter in enumerate(script, 1):
        if letter == ";" and sqlite3.complete_statement(script[start:end]):
            yield script[start:end]
            start = end
    if start < len(script):
        yield script[start:]
