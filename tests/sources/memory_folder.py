"""A folder of migrations that exists only in memory: a `Traversable` of the test's own."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from asyncmig.migration import SqlScript
from asyncmig.sources import find_problems, load
from asyncmig.sources.reading import BY_ITSELF
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from asyncmig.errors import SourceError
    from asyncmig.migration import Migration, Script
    from asyncmig.sources.reading import Reading

    StrPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file that is only its name and its bytes."""

    name: str
    content: bytes = field(repr=False)

    def iterdir(self) -> Iterator[Traversable]:
        """Refuse, as a file does."""
        raise NotADirectoryError(self.name)

    def is_dir(self) -> bool:
        """Say no."""
        return False

    def is_file(self) -> bool:
        """Say yes."""
        return True

    def read_bytes(self) -> bytes:
        """Return its bytes."""
        return self.content

    def read_text(self, encoding: str | None = None) -> str:
        """Return its text."""
        return self.content.decode(encoding or "utf-8")

    def open(self, mode: str = "r", *args: object, **kwargs: object) -> IO[Any]:
        """Open it for reading bytes."""
        assert "rb" == mode, (args, kwargs)
        return io.BytesIO(self.content)

    def joinpath(self, *descendants: StrPath) -> Traversable:
        """Refuse, as a file does."""
        raise NotADirectoryError(self.name, *descendants)

    def __truediv__(self, child: StrPath, /) -> Traversable:
        return self.joinpath(child)


@dataclass(frozen=True, slots=True)
class MemoryFolder:
    """A folder that holds those files, in the order in which they were given.

    A slash in a name makes a folder in the folder.
    """

    files: Mapping[str, str | bytes] = field(repr=False)
    name: str = "migrations"

    def iterdir(self) -> Iterator[Traversable]:
        """Yield what is in it."""
        folders: dict[str, dict[str, str | bytes]] = {}
        for path, content in self.files.items():
            name, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(name, {})[rest] = content
            else:
                yield MemoryFile(name, content.encode() if isinstance(content, str) else content)
        for name, files in folders.items():
            yield MemoryFolder(files, name)

    def is_dir(self) -> bool:
        """Say yes."""
        return True

    def is_file(self) -> bool:
        """Say no."""
        return False

    def read_bytes(self) -> bytes:
        """Refuse, as a folder does."""
        raise IsADirectoryError(self.name)

    def read_text(self, encoding: str | None = None) -> str:
        """Refuse, as a folder does."""
        raise IsADirectoryError(self.name, encoding)

    def open(self, mode: str = "r", *args: object, **kwargs: object) -> IO[Any]:
        """Refuse, as a folder does."""
        raise IsADirectoryError(self.name, mode, args, kwargs)

    def joinpath(self, *descendants: StrPath) -> Traversable:
        """Return one of its files."""
        return next(file for file in self.iterdir() if (file.name,) == descendants)

    def __truediv__(self, child: StrPath, /) -> Traversable:
        return self.joinpath(child)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a person gets to see of an error."""

    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None


def load_files(
    files: Mapping[str, str | bytes],
    dialect: Dialect = Dialect.POSTGRESQL,
    reading: Reading = BY_ITSELF,
) -> tuple[Migration, ...]:
    """Load a folder of those files."""
    return load(MemoryFolder(files), dialect, reading)


def load_file(name: str, content: str | bytes, dialect: Dialect = Dialect.POSTGRESQL) -> Migration:
    """Load a folder of one file."""
    [migration] = load_files({name: content}, dialect)
    return migration


def complaints(
    files: Mapping[str, str | bytes],
    dialect: Dialect = Dialect.POSTGRESQL,
    reading: Reading = BY_ITSELF,
) -> list[Complaint]:
    """Return what is wrong with a folder of those files."""
    return [complaint(error) for error in find_problems(MemoryFolder(files), dialect, reading)]


def complaint(error: SourceError) -> Complaint:
    """Return what a person gets to see of one error."""
    return Complaint(str(error), error.hint, error.line, error.column)


def text_of(script: Script | None) -> str:
    """Return the text of a script that is there and is SQL."""
    assert isinstance(script, SqlScript)
    return script.text
