"""PRAGMA statements of SQLite."""

from __future__ import annotations

import sqlite3

import pytest

from asyncmig.sql import Dialect, Pragma, foreign_keys_pragma, pragma
from tests.sql.statements import statement

SETS_FOREIGN_KEYS = [
    ("PRAGMA foreign_keys = ON", True),
    ("PRAGMA foreign_keys=off;", False),
    ("pragma Foreign_Keys = Yes", True),
    ("PRAGMA foreign_keys = true", True),
    ("PRAGMA foreign_keys = 1", True),
    ("PRAGMA foreign_keys = 2", True),
    ("PRAGMA foreign_keys = 256", False),
    ("PRAGMA foreign_keys = 0", False),
    ("PRAGMA foreign_keys = -1", False),
    ("PRAGMA foreign_keys = no", False),
    ("PRAGMA foreign_keys = false", False),
    ("PRAGMA foreign_keys = banana", False),
    ("PRAGMA foreign_keys = 'on'", True),
    ('PRAGMA foreign_keys = "off"', False),
    ("PRAGMA foreign_keys(OFF)", False),
    ("PRAGMA foreign_keys ( /* c */ on ) -- c", True),
    ("-- c\nPRAGMA main . foreign_keys = OFF", False),
    ('PRAGMA "foreign_keys" = 1', True),
]


@pytest.mark.parametrize(("text", "expected"), SETS_FOREIGN_KEYS)
def test_what_a_foreign_keys_pragma_sets_is_known(text: str, *, expected: bool) -> None:
    """Every spelling that SQLite takes counts; what is not true is false."""
    assert expected == foreign_keys_pragma(statement(text, Dialect.SQLITE))


@pytest.mark.parametrize(("text", "expected"), SETS_FOREIGN_KEYS)
def test_sqlite_reads_the_same_value(text: str, *, expected: bool) -> None:
    """SQLite's own foreign_keys setting is what we read out of the statement."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA foreign_keys = {not expected}")

    connection.execute(text)
    found = connection.execute("PRAGMA foreign_keys").fetchone()
    connection.close()

    assert (expected,) == found


@pytest.mark.parametrize(
    "text",
    [
        "PRAGMA foreign_keys",
        "PRAGMA foreign_key_check",
        "PRAGMA defer_foreign_keys = ON",
        "SELECT 'PRAGMA foreign_keys = OFF'",
        "EXPLAIN PRAGMA foreign_keys = OFF",
        "PRAGMA",
        "PRAGMA main.",
        "-- PRAGMA foreign_keys = OFF",
    ],
)
def test_other_statements_set_no_foreign_keys(text: str) -> None:
    """A pragma that only asks, or is another one, or is no pragma, sets nothing."""
    assert foreign_keys_pragma(statement(text, Dialect.SQLITE)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PRAGMA journal_mode", Pragma("journal_mode", None)),
        ("PRAGMA temp.Journal_Mode = 'WAL';", Pragma("journal_mode", "wal")),
        ("PRAGMA cache_size = -2000", Pragma("cache_size", "-2000")),
        ("PRAGMA table_info([a b])", Pragma("table_info", "a b")),
        ("SELECT 1", None),
    ],
)
def test_a_pragma_is_a_name_and_a_value(text: str, expected: Pragma | None) -> None:
    """Schema, case and quotes are taken off."""
    assert expected == pragma(statement(text, Dialect.SQLITE))
