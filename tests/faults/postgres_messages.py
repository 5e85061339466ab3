"""PostgreSQL's messages, cut out of a stream of bytes.

See PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

STARTUP, CANCEL_REQUEST = "startup", "cancel request"
_CANCEL_CODE = 80877102
_NUMBER = struct.Struct("!i")
_TYPED_HEAD, _UNTYPED_HEAD = 5, 8  # bytes: type and length; length and code
_NAMES = {
    "B": "Bind",
    "C": "Close",
    "D": "Describe",
    "E": "Execute",
    "H": "Flush",
    "S": "Sync",
    "X": "Terminate",
    "d": "CopyData",
    "c": "CopyDone",
}
_UNSTEADY = re.compile(r"\b(?:[0-9a-f]{12}|\d+)\b")
"""Run ids, process ids, durations: what two runs of the same do not have in common."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        kind: Its type byte, or ``STARTUP`` or ``CANCEL_REQUEST``, which have none.
        raw: All of its bytes.
    """

    kind: str
    raw: bytes

    @property
    def body(self) -> bytes:
        """What follows its head."""
        return self.raw[_TYPED_HEAD if len(self.kind) == 1 else _UNTYPED_HEAD :]

    @property
    def said(self) -> str:
        """What a client says with it, for people: SQL where there is some."""
        if self.kind == "Q":
            return self.body.rstrip(b"\0").decode().strip()
        if self.kind == "P":
            return "Parse " + self.body.split(b"\0")[1].decode()
        return _NAMES.get(self.kind, self.kind)

    @property
    def answer(self) -> frozenset[str]:
        """The types of server messages that complete the answer to it; empty if none is sent.

        What belongs to the extended protocol is answered at the next Sync or Flush.
        """
        if self.kind in {"Q", "S", STARTUP}:
            return frozenset("Z")
        return frozenset("TnE") if self.kind == "H" else frozenset()

    @property
    def backend(self) -> int:
        """The process id in a BackendKeyData or a cancel request."""
        return int(_NUMBER.unpack_from(self.body)[0])

    def with_backend(self, backend: int) -> Message:
        """Return a BackendKeyData or a cancel request with another process id."""
        head, tail = self.raw[: -len(self.body)], self.body[_NUMBER.size :]
        return Message(self.kind, head + _NUMBER.pack(backend) + tail)


class Framing:
    """Cuts one direction of one connection into messages.

    Args:
        opens_untyped: Whether it is the client's, whose first message has no type byte.
    """

    def __init__(self, *, opens_untyped: bool) -> None:
        self._buffer = b""
        self._opens_untyped = opens_untyped

    def feed(self, chunk: bytes) -> list[Message]:
        """Take what has arrived, and return the messages that are complete now."""
        self._buffer += chunk
        complete: list[Message] = []
        while (message := self._next()) is not None:
            self._buffer = self._buffer[len(message.raw) :]
            complete.append(message)
        return complete

    def _next(self) -> Message | None:
        typed = 0 if self._opens_untyped else 1
        if len(self._buffer) < _TYPED_HEAD:
            return None
        length = typed + int(_NUMBER.unpack_from(self._buffer, typed)[0])
        if len(self._buffer) < length:
            return None
        raw = self._buffer[:length]
        if typed:
            return Message(chr(raw[0]), raw)
        self._opens_untyped = False
        (code,) = _NUMBER.unpack_from(raw, 4)
        return Message(CANCEL_REQUEST if code == _CANCEL_CODE else STARTUP, raw)


def is_same(said: str, recorded: str) -> bool:
    """Tell whether two runs say the same here, but for what no two runs have in common."""
    return _UNSTEADY.sub("", said) == _UNSTEADY.sub("", recorded)
