"""The checksum of a migration: of its text, whatever line ends a check-out has given it."""

from __future__ import annotations

import hashlib
import re

CHECKSUM_ALGORITHM = "sha256:v1"


def checksum(text: str) -> str:
    """Return the checksum of a migration's text, with the algorithm in front.

    The text is normalised first (no byte order mark, LF line ends, exactly one at the end), so
    that a check-out with other line ends is no change. Those broke other runners
    (launchbadge/sqlx #2659, openai/codex #23777).
    """
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = re.sub(r"\r\n?", "\n", text)
    return checksum_of_lines(text.encode())


def checksum_of_lines(content: bytes) -> str:
    """Return the checksum of a text that needs no normalisation but for how it ends."""
    normalised = content.rstrip(b"\n") + b"\n"
    return f"{CHECKSUM_ALGORITHM}:{hashlib.sha256(normalised).hexdigest()}"


class Checksum:
    """The :func:`checksum` of a text that comes piece by piece, with LF line ends."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._is_empty = True
        self._line_ends = 0

    def update(self, piece: str) -> None:
        """Take in what comes next."""
        if self._is_empty and piece:
            self._is_empty = False
            piece = piece.removeprefix("\ufeff")
        if stripped := piece.rstrip("\n"):
            self._sha256.update(b"\n" * self._line_ends)
            self._sha256.update(stripped.encode())
            self._line_ends = 0
        self._line_ends += len(piece) - len(stripped)

    def __str__(self) -> str:
        """Return the checksum of what has come so far."""
        whole = self._sha256.copy()
        whole.update(b"\n")
        return f"{CHECKSUM_ALGORITHM}:{whole.hexdigest()}"
