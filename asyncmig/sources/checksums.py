"""The checksums of a folder, without its migrations: what a start with nothing pending needs.

Every file is read and hashed, and hardly one is parsed. What takes a closer look (a name, a byte or
a marker) is left to :func:`asyncmig.sources.load`, which knows the rules and the errors. What is
answered here is what that would answer.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Direction, checksum
from asyncmig.sources.decode import decode
from asyncmig.sources.location import locate
from asyncmig.sources.markers import may_have_markers, plain_up
from asyncmig.sources.names import FileName, parse_name
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.glance import Checksums, Key
    from asyncmig.sources.location import Source
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
        with os.scandir(root) as entries:
            return _collect(entries, dialect)
    except (OSError, SourceError):
        return None


def _collect(entries: Iterable[os.DirEntry[str]], dialect: Dialect) -> Checksums | None:
    """Read the files of a folder; every migration must have one up, and at most one down."""
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
            _part(entry, ending, dialect)  # it may be wrong
            downs.add(key)
            continue
        found[key] = checksum(_part(entry, ending, dialect))
        if ending == _UP:
            pairs.add(key)
    return found if found and downs <= pairs else None


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
    parsed = parse_name(file_name)
    if parsed is None:
        return None
    if not isinstance(parsed, FileName):
        return file_name, _MISNAMED
    if parsed.version is None:
        return parsed.name, _REPEATABLE
    direction = f"{parsed.direction}." if parsed.direction else ""
    return parsed.version.number, f"{direction}{parsed.format}"


def _part(entry: os.DirEntry[str], ending: str, dialect: Dialect) -> str:
    """Return the text that the checksum of an up is of, or that of a down half.

    Raises:
        SourceError: The file is no text, or its markers do not make sense.
    """
    text = _read(entry.path)
    if ending == _PYTHON:
        return text
    if ending == _WHOLE and (up := plain_up(text)) is not None:
        return up
    return _parsed(entry, text, dialect) if may_have_markers(text) else text


def _parsed(entry: os.DirEntry[str], text: str, dialect: Dialect) -> str:
    """Return what :func:`_part` does, by reading the file as ``load`` does."""
    from asyncmig.sources.sql_file import read_sql

    name = parse_name(entry.name)
    assert isinstance(name, FileName)  # noqa: S101 - it has been taken apart
    scripts = read_sql(Text(text, _UNTOLD), name, dialect)
    return scripts[name.direction or Direction.UP].text


_UNTOLD = Place("")
"""Where an error is: nobody is told, since ``load`` finds it again."""

_AT_ONCE = 1 << 16
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def _read(path: str) -> str:
    """Return the text of a file, in three calls to the system unless it is long.

    What is cut short by a file system has another checksum, and is read again by ``load``.

    Raises:
        OSError: It cannot be read.
        SourceError: It is not text.
    """
    file = os.open(path, _FLAGS)
    try:
        content = os.read(file, _AT_ONCE)
    finally:
        os.close(file)
    if len(content) == _AT_ONCE:
        content = Path(path).read_bytes()
    return decode(content, _UNTOLD)
