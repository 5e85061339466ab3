"""What statements do to the transaction around them."""

from __future__ import annotations

import sqlite3

import pytest

from asyncmig.sql import (
    Dialect,
    TransactionControl,
    split,
    transaction_control,
    without_outer_transaction,
)
from tests.sql.statements import statement

BOTH = [
    ("BEGIN", TransactionControl.BEGIN),
    ("-- now\n/* at last */ begin;", TransactionControl.BEGIN),
    ("BEGIN TRANSACTION", TransactionControl.BEGIN),
    ("COMMIT", TransactionControl.COMMIT),
    ("END", TransactionControl.COMMIT),
    ("END TRANSACTION", TransactionControl.COMMIT),
    ("ROLLBACK", TransactionControl.ROLLBACK),
    ("ROLLBACK TRANSACTION", TransactionControl.ROLLBACK),
    ("ROLLBACK TO s", TransactionControl.ROLLBACK_TO),
    ("ROLLBACK TO SAVEPOINT s", TransactionControl.ROLLBACK_TO),
    ("ROLLBACK TRANSACTION TO s", TransactionControl.ROLLBACK_TO),
    ("SAVEPOINT s", TransactionControl.SAVEPOINT),
    ("RELEASE s", TransactionControl.RELEASE),
    ("RELEASE SAVEPOINT s", TransactionControl.RELEASE),
    ("SELECT 'COMMIT'", None),
    ('"COMMIT"', None),
    ("CREATE TABLE begin (a int)", None),
    ("", None),
    (";", None),
]
POSTGRESQL = [
    ("BEGIN ISOLATION LEVEL SERIALIZABLE", TransactionControl.BEGIN),
    ("START TRANSACTION", TransactionControl.BEGIN),
    ("START /* a */ TRANSACTION READ ONLY", TransactionControl.BEGIN),
    ("COMMIT AND CHAIN", TransactionControl.COMMIT),
    ("ABORT", TransactionControl.ROLLBACK),
    ("ROLLBACK AND CHAIN", TransactionControl.ROLLBACK),
    ("ROLLBACK WORK TO s", TransactionControl.ROLLBACK_TO),
    ("PREPARE TRANSACTION 'a'", TransactionControl.PREPARE),
    ("COMMIT PREPARED 'a'", TransactionControl.COMMIT_PREPARED),
    ("ROLLBACK PREPARED 'a'", TransactionControl.ROLLBACK_PREPARED),
    ("PREPARE p AS SELECT 1", None),
    ("SET TRANSACTION READ ONLY", None),
    ("DO $$ BEGIN COMMIT; END $$", None),
]
SQLITE = [
    ("BEGIN IMMEDIATE", TransactionControl.BEGIN),
    ("CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END", None),
]


@pytest.mark.parametrize(("text", "expected"), BOTH + POSTGRESQL)
def test_postgresql_transaction_control_is_recognised(
    text: str, expected: TransactionControl | None
) -> None:
    """Its first words tell transaction control from every other statement."""
    found = [
        transaction_control(part, Dialect.POSTGRESQL) for part in split(text, Dialect.POSTGRESQL)
    ]

    assert ([expected] if text else []) == found


@pytest.mark.parametrize(("text", "expected"), BOTH + SQLITE)
def test_sqlite_transaction_control_is_recognised(
    text: str, expected: TransactionControl | None
) -> None:
    """Its first words tell transaction control from every other statement."""
    found = [transaction_control(part, Dialect.SQLITE) for part in split(text, Dialect.SQLITE)]

    assert ([expected] if text else []) == found


@pytest.mark.parametrize("text", ["START TRANSACTION", "ABORT", "PREPARE TRANSACTION 'a'"])
def test_what_only_postgresql_knows_is_nothing_to_sqlite(text: str) -> None:
    """A statement is judged by the dialect that runs it."""
    assert transaction_control(statement(text, Dialect.SQLITE), Dialect.SQLITE) is None


def test_only_savepoints_leave_the_transaction_open() -> None:
    """Whatever begins, ends or prepares a transaction is not for the inside of another."""
    nested = {control for control in TransactionControl if control.is_nested}

    assert {
        TransactionControl.SAVEPOINT,
        TransactionControl.RELEASE,
        TransactionControl.ROLLBACK_TO,
    } == nested


@pytest.mark.parametrize(
    ("begin", "commit"),
    [
        ("BEGIN", "COMMIT"),
        ("begin work", "end work"),
        ("BEGIN TRANSACTION", "END TRANSACTION"),
        ("START TRANSACTION", "COMMIT AND NO CHAIN"),
        ("BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT"),
        ("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE", "COMMIT"),
        ("START TRANSACTION READ WRITE ISOLATION LEVEL READ COMMITTED", "COMMIT"),
    ],
)
def test_a_plain_pair_around_a_script_is_left_out(begin: str, commit: str) -> None:
    """It says no more than the transaction that is around it anyway; nothing else changes."""
    script = f"-- why\n{begin}; -- now\nCREATE TABLE t (a int); SAVEPOINT s; RELEASE s; {commit};\n"
    statements = tuple(split(script, Dialect.POSTGRESQL))

    assert statements[1:4] + statements[5:] == without_outer_transaction(
        statements, Dialect.POSTGRESQL
    )


@pytest.mark.parametrize(
    "script",
    [
        "",
        "BEGIN;",
        "BEGIN; SELECT 1;",
        "SELECT 1; COMMIT;",
        "SELECT 1; BEGIN; SELECT 2; COMMIT;",
        "BEGIN; SELECT 1; COMMIT; SELECT 2;",
        "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;",
        "BEGIN; SELECT 1; ROLLBACK; SELECT 2; COMMIT;",
        "BEGIN; SELECT 1; ROLLBACK;",
        "BEGIN; SELECT 1; COMMIT AND CHAIN;",
        "BEGIN; SELECT 1; PREPARE TRANSACTION 'a';",
        "BEGIN; SELECT 1; COMMIT PREPARED 'a';",
        "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;",
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT;",
        "BEGIN READ ONLY; SELECT 1; COMMIT;",
        "BEGIN READ WRITE, ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;",
        "BEGIN DEFERRABLE; SELECT 1; COMMIT;",
        "SAVEPOINT s; SELECT 1; RELEASE s;",
    ],
)
def test_any_other_transaction_control_is_left_alone(script: str) -> None:
    """A pair that says more, or is not around everything, is for the author to solve."""
    statements = tuple(split(script, Dialect.POSTGRESQL))

    assert statements == without_outer_transaction(statements, Dialect.POSTGRESQL)


@pytest.mark.parametrize("mode", ["", " DEFERRED", " IMMEDIATE", " EXCLUSIVE TRANSACTION"])
def test_a_plain_pair_around_a_sqlite_script_is_left_out(mode: str) -> None:
    """Every mode of BEGIN is covered by the transaction that is around it anyway."""
    statements = tuple(split(f"BEGIN{mode}; CREATE TABLE t (a); END;", Dialect.SQLITE))

    assert statements[1:2] == without_outer_transaction(statements, Dialect.SQLITE)


@pytest.mark.parametrize(("text", "expected"), [case for case in BOTH + SQLITE if case[0]])
def test_sqlite_agrees_on_what_ends_a_transaction(
    text: str, expected: TransactionControl | None
) -> None:
    """What is called COMMIT or ROLLBACK leaves SQLite outside of a transaction, and only that."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript('CREATE TABLE a (b); BEGIN; SAVEPOINT s; CREATE TABLE "COMMIT" (a)')

    ran = runs(connection, text)
    is_open = connection.in_transaction
    connection.close()

    ends = {TransactionControl.COMMIT, TransactionControl.ROLLBACK}
    assert not is_open if ran and expected in ends else is_open


def runs(connection: sqlite3.Connection, text: str) -> bool:
    """Tell whether SQLite runs a statement."""
    try:
        connection.execute(text)
    except sqlite3.OperationalError:
        return False
    return True
