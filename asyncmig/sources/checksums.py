"""The checksums of a folder, without its migrations: what a start with nothing pending needs.

Every file is read and hashed, and hardly one is parsed. What takes a closer look (a name, a byte or
a marker) is left to :func:`asyncmig.sources.load`, which knows the rules and the errors. What is
answered here is what that would answer.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.checksum import checksum, checksum_of_lines
from asyncmig.errors import SourceError
from asyncmig.migration import Direction
from asyncmig.sources.decode import decode
from asyncmig.sources.location import LONG, locate
from asyncmig.sources.quick_look import (
    PLAIN_UP,
    has_foreign_marker,
    may_have_markers,
    may_have_markers_in,
    plain_up,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from asyncmig.glance import Checksums, Key
    from asyncmig.sources.location import Source
    from asyncmig.sources.names import FileName
    from asyncmig.sql import Dialect


def read_checksums(source: Source, dialect: Dialect) -> Checksums | None:
    """Return the checksum of each migration of a folder on disk.

    This blocks on the disk; call it in a worker thread. A Python file is not parsed: one that has
    the checksum of what was applied is what was applied.

    Args:
        source: As for :func:`asyncmig.sources.load`.
        dialect: Whose strings and comments the SQL files are written with.

    Returns:
        ``None`` when something about a file is wrong, or takes a closer look.
    """
    try:
        root = locate(source).root
        if not isinstance(root, Path):
            return None
        with _folder(root) as folder, os.scandir(root if folder is None else folder) as entries:
            return _collect(entries, partial(_checksum, root, folder, dialect))
    except (OSError, SourceError):
        return None


_FROM_A_FOLDER = os.open in os.supports_dir_fd and os.scandir in os.supports_fd  # not on Windows


@contextmanager
def _folder(root: Path) -> Generator[int | None]:
    """Open a folder, if the system can open what is in it from there: that saves it the way."""
    if not _FROM_A_FOLDER:
        yield None
        return
    folder = os.open(root, os.O_RDONLY)
    try:
        yield folder
    finally:
        os.close(folder)


def _collect(
    entries: Iterable[os.DirEntry[str]], checksum_of: Callable[[os.DirEntry[str], str], str]
) -> Checksums | None:
    """Read the files of a folder; every migration must have one up, and at most one down.

    Without any version the rest may be those of Flyway, in folders below.

    Args:
        entries: The files.
        checksum_of: Gets a file, and how its name ends.
    """
    found: dict[Key, str] = {}
    pairs: set[Key] = set()
    downs: set[Key] = set()
    for entry in entries:
        name = _take_apart(entry.name)
        if name is None or entry.is_dir():
            continue
        key, ending = name
        if ending == _MISNAMED or key in (downs if ending == _DOWN else found):
            return None
        if ending == _DOWN:
            checksum_of(entry, ending)  # it may be wrong
            downs.add(key)
            continue
        found[key] = checksum_of(entry, ending)
        if ending == _UP:
            pairs.add(key)
    has_versions = any(isinstance(key, int) for key in found)
    return found if has_versions and downs <= pairs else None


_ORDINARY = re.compile(
    r"(?P<version>[0-9]{1,99})_[\w -]+\.(?P<ending>sql|up\.sql|down\.sql|py)"
    r"|R__(?P<name>[\w -]+)\.sql"
)
_WHOLE, _UP, _DOWN, _PYTHON, _REPEATABLE = "sql", "up.sql", "down.sql", "py", "R__"
_MISNAMED = ""


def _take_apart(file_name: str) -> tuple[Key, str] | None:
    """Return the migration that a file belongs to and how its name ends, as ``parse_name`` does.

    Without a value of its own for each name: a folder can have thousands.
    """
    match = _ORDINARY.fullmatch(file_name)
    if match is not None:
        version, ending, name = match.groups()
        return (int(version), ending) if version else (name, _REPEATABLE)
    from asyncmig.sources.names import FileName, parse_name

    parsed = parse_name(file_name)
    if parsed is None:
        return None
    if not isinstance(parsed, FileName):
        return file_name, _MISNAMED
    if parsed.version is None:
        return parsed.name, _REPEATABLE
    direction = f"{parsed.direction}." if parsed.direction else ""
    return parsed.version.number, f"{direction}{parsed.language}"


def _checksum(
    root: Path, folder: int | None, dialect: Dialect, entry: os.DirEntry[str], ending: str
) -> str:
    """Return the checksum of what is hashed of a file: its up, or that of a down half.

    Raises:
        SourceError: The file is no text, or its markers do not make sense.
    """
    content = _beginning(entry.path, folder)
    if len(content) == _AT_ONCE:
        path = root / entry.name
        is_long = path.stat().st_size >= LONG
        if is_long and (found := _checksum_of_long(path, dialect)) is not None:
            return found
        content = path.read_bytes()
    if _is_plain(content):
        return checksum_of_lines(content)
    from asyncmig.sources.place import UNTOLD

    return checksum(_part(entry, decode(content, UNTOLD), ending, dialect))


_MARKED = PLAIN_UP.encode()


def _is_plain(content: bytes) -> bool:
    """Tell whether a file is hashed as it is: there is no marker in it, nothing to decode.

    Most files are like that, and these looks cost a tenth of what they spare.
    """
    return (
        not content.startswith(_MARKED)
        and content.isascii()
        and b"\r" not in content
        and b"\0" not in content
        and (b"-" not in content or not may_have_markers_in(content))
    )


def _part(entry: os.DirEntry[str], text: str, ending: str, dialect: Dialect) -> str:
    """Return the part of a text that is hashed.

    Raises:
        SourceError: Its markers do not make sense.
    """
    if ending == _PYTHON:
        return text
    if ending == _WHOLE and (up := plain_up(text)) is not None:
        return up
    return _parsed(entry, text, dialect) if may_have_markers(text) else text


def _parsed(entry: os.DirEntry[str], text: str, dialect: Dialect) -> str:
    """Return what :func:`_part` does, by reading the file as ``load`` does, if it is ours."""
    from asyncmig.sources.place import UNTOLD, Text

    if has_foreign_marker(text):
        raise UNTOLD.wrong("this may be a file of another tool")
    from asyncmig.sources.markers import suspicious_lines

    if not any(suspicious_lines(text)):  # but prose, such as "-- Migration 17"
        return text
    from asyncmig.sources.sql_file import read_sql

    name = _name_of(entry.name)
    scripts = read_sql(Text(text, UNTOLD), name, dialect)
    return scripts[name.direction or Direction.UP].text


def _checksum_of_long(path: Path, dialect: Dialect) -> str | None:
    """Return the checksum of a file that ``load`` would not keep either."""
    from asyncmig.sources.long_file import checksum_of_long
    from asyncmig.sources.place import UNTOLD

    return checksum_of_long(path, UNTOLD, _name_of(path.name), dialect)


def _name_of(file_name: str) -> FileName:
    from asyncmig.sources.names import FileName, parse_name

    name = parse_name(file_name)
    assert isinstance(name, FileName)  # noqa: S101 - it has been taken apart
    return name


_AT_ONCE = 1 << 16
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def _beginning(path: str, folder: int | None) -> bytes:
    """Return what is in a file, in three calls to the system, unless it is long.

    What is cut short by a file system has another checksum, and is read again by ``load``.

    Args:
        path: The file.
        folder: What the path begins at, if it is open.

    Raises:
        OSError: It cannot be read.
    """
    file = os.open(path, _FLAGS, dir_fd=folder)
    try:
        return os.read(file, _AT_ONCE)
    finally:
        os.close(file)
