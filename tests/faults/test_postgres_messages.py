"""PostgreSQL's messages, cut out of bytes that arrive in any pieces."""

from __future__ import annotations

import struct

import pytest

from tests.faults.postgres_messages import CANCEL_REQUEST, STARTUP, Framing, is_same


def typed(kind: str, body: bytes = b"") -> bytes:
    """Return a message with a type byte."""
    return kind.encode() + struct.pack("!i", 4 + len(body)) + body


def untyped(code: int, body: bytes = b"") -> bytes:
    """Return a message that opens a connection."""
    return struct.pack("!ii", 8 + len(body), code) + body


SESSION = (
    untyped(196608, b"user\0postgres\0\0")
    + typed("Q", b"SELECT 'Z\xc3\xbc'\0")
    + typed("P", b"name\0SELECT $1\0\0\0")
    + typed("S")
    + typed("X")
)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
def test_a_message_is_whole_however_it_arrives(size: int) -> None:
    """The network may cut anywhere; what a client said does not depend on it."""
    framing = Framing(opens_untyped=True)

    chunks = [SESSION[start : start + size] for start in range(0, len(SESSION), size)]
    messages = [message for chunk in chunks for message in framing.feed(chunk)]

    assert [STARTUP, "SELECT 'Zü'", "Parse SELECT $1", "Sync", "Terminate"] == [
        message.said for message in messages
    ]
    assert SESSION == b"".join(message.raw for message in messages)


def test_a_cancel_request_is_told_from_a_start() -> None:
    """Both open a connection without a type byte."""
    (message,) = Framing(opens_untyped=True).feed(untyped(80877102, b"\0\0\0\1\0\0\0\2"))

    assert CANCEL_REQUEST == message.said


def test_the_servers_process_is_known() -> None:
    """BackendKeyData has its id."""
    (message,) = Framing(opens_untyped=False).feed(typed("K", struct.pack("!ii", 4711, 42)))

    assert 4711 == message.backend


def test_two_runs_say_the_same_but_for_ids_and_durations() -> None:
    """A replay is compared with its recording by what does not change from run to run."""
    said = "UPDATE history SET run_id = '0123456789ab', duration_ms = 17"

    assert is_same(said, "UPDATE history SET run_id = 'ba9876543210', duration_ms = 4")
    assert not is_same(said, said.replace("UPDATE", "DELETE"))
