"""A folder of migrations that a test fills file by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class MigrationFolder:
    """A folder on disk.

    Attributes:
        path: Where it is; what to give to asyncmig as its source.
    """

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, byte for byte (text as UTF-8, line ends as they are); return its path."""
        file = self.path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def remove(self, name: str) -> None:
        """Remove a file, as a checkout of an older commit would."""
        (self.path / name).unlink()
