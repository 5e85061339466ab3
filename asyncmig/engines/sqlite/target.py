"""How SQLite is told which database to open, and what for."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from asyncmig.engines.url import SqliteTarget


class Access(StrEnum):
    """What a connection is opened for, in the words of SQLite's ``mode=``."""

    READ = "ro"
    WRITE = "rwc"


def uri_of_file(path: str, access: Access, **more: str) -> str:
    """Return the URI that opens a file for that purpose."""
    # An absolute path, because SQLite takes the first part of //x/y for a host.
    absolute = quote(os.fsencode(Path(path).absolute()))
    return f"file:{absolute}?{urlencode({'mode': access, **more})}"


def uri_of(target: SqliteTarget, access: Access, **more: str) -> str:
    """Return the URI that opens a database for that purpose.

    A mode that the user's own URI names is kept for writing. A database in memory has no other
    mode than its own.
    """
    if target.uri is None:
        return uri_of_file(target.path or "", access, **more)
    options = _options(target.uri)
    if target.path is not None:
        mode = access if access is Access.READ else options.get("mode", access)
        options |= {"mode": mode, **more}
    name, _, _ = target.uri.partition("?")
    return f"{name}?{urlencode(options)}"


def is_read_only(target: SqliteTarget) -> bool:
    """Tell whether the user's own URI says that nothing may be written."""
    options = _options(target.uri or "")
    return options.get("mode") == "ro" or options.get("immutable") == "1"


def real_path(target: SqliteTarget) -> str | None:
    """Return the file behind all links, ``None`` for memory. Asks the file system."""
    return None if target.path is None else str(Path(target.path).resolve())


def _options(uri: str) -> dict[str, str]:
    return dict(parse_qsl(uri.partition("?")[2], keep_blank_values=True))
