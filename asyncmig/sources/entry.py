"""A file of a folder: read when somebody asks for it, and what is short only once."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_HEAD = 1 << 16
"""Bytes of a file that are looked at to tell whose it is: a seed of 50 MB says it at the top."""

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class Entry:
    """A file that was listed.

    Several formats look at how it begins, and one of them reads all of it.

    Args:
        file: What can be read.

    Attributes:
        name: What it is called.
    """

    def __init__(self, file: Traversable) -> None:
        self.name = file.name
        self._file = file

    @property
    def path(self) -> Path | None:
        """Where it is on disk, if it is there."""
        return self._file if isinstance(self._file, Path) else None

    @property
    def is_short(self) -> bool:
        """Whether its beginning is all of it.

        Raises:
            OSError: It cannot be read.
        """
        return len(self._beginning) < _HEAD

    @cached_property
    def head(self) -> str:
        """How it begins. What is wrong with it is told by who reads all of it."""
        try:
            content = self._beginning
        except OSError:
            return ""
        return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")

    def read_bytes(self) -> bytes:
        """Return all of it.

        Raises:
            OSError: It cannot be read.
        """
        return self._beginning if self.is_short else self._file.read_bytes()

    @cached_property
    def _beginning(self) -> bytes:
        if isinstance(self._file, Path):
            return _beginning_on_disk(self._file)
        with self._file.open("rb") as opened:
            content: bytes = opened.read(_HEAD)
        return content


def _beginning_on_disk(path: Path) -> bytes:
    """Read the beginning of a file, with half of what Python's own files take for that.

    What is read at a time may be less than what was asked for: only nothing is the end.
    """
    file = os.open(path, _FLAGS)
    try:
        content = os.read(file, _HEAD)
        while more := os.read(file, _HEAD - len(content)):
            content += more
    finally:
        os.close(file)
    return content
