"""Which statements share a message, and where a position in it is in the file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.engines.postgres.messages import Message, messages
from asyncmig.sql import Dialect, split

TABLE = "CREATE TABLE t (n integer);"
INSERT = "\nINSERT INTO t VALUES (1);"
LAST = "\nINSERT INTO t VALUES (2)"


def messages_of(script: str) -> list[Message]:
    """Return what a script goes out in."""
    return list(messages([s for s in split(script, Dialect.POSTGRESQL) if not s.is_empty]))


@pytest.mark.parametrize(
    ("script", "sizes"),
    [
        (TABLE, [1]),
        (TABLE + INSERT + INSERT, [3]),
        (INSERT + "UPDATE t SET n = 2;" + INSERT + INSERT, [1, 1, 2]),
        (TABLE + "ALTER TABLE t ADD m text;" + TABLE, [1, 1, 1]),
        ("CREATE INDEX i ON t (n);" + "COMMENT ON TABLE t IS 'ours';" + TABLE, [1, 2]),
        (f"INSERT INTO t VALUES ('{'x' * 40_000}');" * 3, [1, 1, 1]),
    ],
)
def test_neighbours_that_wait_for_few_locks_share_a_message(script: str, sizes: list[int]) -> None:
    """Up to a size, and in order; every other statement stays alone."""
    assert sizes == [len(message.statements) for message in messages_of(script)]


@pytest.mark.parametrize("script", [TABLE, INSERT, "UPDATE t SET n = 2;"])
def test_one_statement_is_sent_as_it_was_written(script: str) -> None:
    """Positions in it are those of the server."""
    assert [script] == [message.text for message in messages_of(script)]


def test_several_stand_behind_a_savepoint() -> None:
    """The last one gets the semicolon that it may lack, behind a comment too."""
    (message,) = messages_of(f"{TABLE}{LAST} -- é")
    expected = (
        f"SAVEPOINT asyncmig_message;{TABLE}{LAST} -- é\n; RELEASE SAVEPOINT asyncmig_message;"
    )
    assert expected == message.text


def test_what_comes_first_needs_no_savepoint_of_its_own() -> None:
    """There is one already, just in front of it."""
    (message,) = messages_of(f"{TABLE}{LAST}")
    assert f"{TABLE}{LAST}\n;" == replace(message, has_savepoint=False).text


@pytest.mark.parametrize(
    ("script", "undo"),
    [
        (
            TABLE + LAST,
            "ROLLBACK TO SAVEPOINT asyncmig_message; RELEASE SAVEPOINT asyncmig_message;",
        ),
        (TABLE, "ROLLBACK TO SAVEPOINT asyncmig_begun;"),
    ],
)
def test_a_batch_is_taken_back_to_its_savepoint(script: str, undo: str) -> None:
    """One by itself is not sent again: its error fails the step, so all of it may go."""
    (message,) = messages_of(script)
    assert undo == message.undo


def test_what_comes_first_is_taken_back_to_the_beginning() -> None:
    """Where nothing else of the author's was done."""
    (message,) = messages_of(TABLE + LAST)
    assert "ROLLBACK TO SAVEPOINT asyncmig_begun;" == replace(message, has_savepoint=False).undo


@pytest.mark.parametrize("has_savepoint", [True, False])
@pytest.mark.parametrize("script", [TABLE, TABLE + INSERT + LAST, "UPDATE t SET n = 2"])
def test_every_character_is_found_again(script: str, *, has_savepoint: bool) -> None:
    """In its statement, and at its place there."""
    (message,) = [replace(found, has_savepoint=has_savepoint) for found in messages_of(script)]
    start = message.text.index(script)
    places = [message.find(start + n) for n in range(len(script))]
    assert list(range(len(script))) == [statement.offset + n for statement, n in places]


@pytest.mark.parametrize("script", [TABLE, TABLE + INSERT + LAST, "UPDATE t SET n = 2"])
def test_what_stands_behind_the_file_is_its_end(script: str) -> None:
    """Our own semicolon, and whatever follows it in the message."""
    (message,) = messages_of(script)
    ours = message.text.index(script) + len(script)
    last = message.statements[-1]
    for position in range(ours, len(message.text) + 9):
        assert (last, len(last.text)) == message.find(position)


def test_an_opening_goes_first_and_holds_no_position() -> None:
    """It is ours: an error in it is none of the author's, and positions count from behind it."""
    (message,) = (replace(found, opening="BEGIN; ") for found in messages_of(TABLE))

    assert f"BEGIN; {TABLE}" == message.text
    assert [False, True, True, False] == [
        message.holds(position) for position in (6, 7, 6 + len(TABLE), 7 + len(TABLE))
    ]
    assert (message.statements[0], 3) == message.find(10)
