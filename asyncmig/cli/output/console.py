"""The two streams, and what each of them can show."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_ASCII = str.maketrans({"…": "...", "·": "-"})


class Paint(StrEnum):
    """How text can be shown, as the escape sequence of a terminal."""

    BOLD = "\x1b[1m"
    DIM = "\x1b[2m"
    RED = "\x1b[31m"
    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"


_PLAIN = "\x1b[0m"


class Stream:
    """A text stream that survives a reader who left and characters that it cannot write.

    Args:
        stream: Where to write; ``None`` when the process has none.
        environ: For ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM``.
    """

    def __init__(self, stream: TextIO | None, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self.is_terminal = stream is not None and stream.isatty()
        self.has_colours = _has_colours(environ, is_terminal=self.is_terminal)

    @property
    def width(self) -> int:
        """How many characters fit on a line."""
        import shutil

        return shutil.get_terminal_size().columns

    def paint(self, text: str, *paints: Paint) -> str:
        """Return the text in that colour, if the stream shows colours."""
        if not (self.has_colours and text):
            return text
        return f"{''.join(paints)}{text}{_PLAIN}"

    def write(self, text: str, *, end: str = "\n") -> None:
        """Write the text at once.

        A reader who has read enough (``asyncmig history | head``) is no failure of ours: the rest
        is written to nowhere, and the exit code stays what it is.
        """
        if self._stream is None:
            return
        try:
            self._stream.write(_encodable(text + end, self._stream.encoding or "utf-8"))
            self._stream.flush()
        except BrokenPipeError:
            _write_to_nowhere(self._stream)
            self._stream = None


class Console(NamedTuple):
    """Where a command writes. A named tuple, because a dataclass costs the help 6 ms to import.

    Attributes:
        out: For results.
        err: For logs, errors and questions.
    """

    out: Stream
    err: Stream


def open_console(environ: Mapping[str, str] = os.environ) -> Console:
    """Return the streams of this process, as they are now."""
    return Console(Stream(sys.stdout, environ), Stream(sys.stderr, environ))


def _has_colours(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Tell whether to use colours (https://no-color.org, https://force-color.org)."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return is_terminal and environ.get("TERM") != "dumb"


def _encodable(text: str, encoding: str) -> str:
    """Return the text with what the stream cannot write spelled in ASCII."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _write_to_nowhere(stream: TextIO) -> None:
    """Point the descriptor to the null device: Python flushes once more when it exits."""
    try:
        descriptor = stream.fileno()
    except OSError:  # a stream in memory has none, and is not flushed to one either
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
