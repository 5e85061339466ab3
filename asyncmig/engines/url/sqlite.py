"""A SQLite URL: SQLAlchemy's form of a path, and SQLite's own URIs inside of it."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.url.query import decode, number, one_of, parse_query, unknown_key
from asyncmig.engines.url.sqlite_target import JOURNAL_MODES, SqliteTarget, file_uri
from asyncmig.errors import DatabaseUrlError

if TYPE_CHECKING:
    from asyncmig.engines.url.split import SplitUrl

T = TypeVar("T")


class _Key(enum.Enum):
    """What becomes of a key of the query."""

    URI = enum.auto()
    JOURNAL_MODE = enum.auto()
    BUSY_MILLISECONDS = enum.auto()
    BUSY_SECONDS = enum.auto()
    IGNORED = enum.auto()
    SETUP = enum.auto()


# SQLite's own (https://www.sqlite.org/uri.html), the pragmas that belong to a file, SQLAlchemy's
# and Prisma's, and those of mattn/go-sqlite3, which begin with an underscore.
_KEYS = {
    "mode": _Key.URI,
    "cache": _Key.URI,
    "immutable": _Key.URI,
    "nolock": _Key.URI,
    "psow": _Key.URI,
    "vfs": _Key.URI,
    "journal_mode": _Key.JOURNAL_MODE,
    "_journal_mode": _Key.JOURNAL_MODE,
    "_journal": _Key.JOURNAL_MODE,
    "busy_timeout": _Key.BUSY_MILLISECONDS,
    "_busy_timeout": _Key.BUSY_MILLISECONDS,
    "_timeout": _Key.BUSY_MILLISECONDS,
    "timeout": _Key.BUSY_SECONDS,
    "autocommit": _Key.IGNORED,
    "cached_statements": _Key.IGNORED,
    "check_same_thread": _Key.IGNORED,
    "connection_limit": _Key.IGNORED,
    "detect_types": _Key.IGNORED,
    "isolation_level": _Key.IGNORED,
    "socket_timeout": _Key.IGNORED,
    "uri": _Key.IGNORED,
    "_loc": _Key.IGNORED,
    "_mutex": _Key.IGNORED,
    "_txlock": _Key.IGNORED,
    "cache_size": _Key.SETUP,
    "foreign_keys": _Key.SETUP,
    "synchronous": _Key.SETUP,
    "_fk": _Key.SETUP,
    "_foreign_keys": _Key.SETUP,
    "_pragma": _Key.SETUP,
    "_sync": _Key.SETUP,
    "_synchronous": _Key.SETUP,
}
_CHOICES = {
    "mode": ("ro", "rw", "rwc", "memory"),
    "cache": ("shared", "private"),
    "immutable": ("0", "1"),
    "nolock": ("0",),
    "psow": ("0", "1"),
    "vfs": ("memdb", "unix", "unix-dotfile", "unix-excl", "win32", "win32-longpath"),
}


def parse_sqlite(url: SplitUrl) -> SqliteTarget:
    """Understand the parts of a SQLite URL. ``busy_timeout`` is in milliseconds, as the pragma.

    Raises:
        DatabaseUrlError: There is something that cannot be understood, or a database in memory
            that nobody else would see.
    """
    if url.authority:
        raise _two_slashes(url)
    query = parse_query(url.query)
    for key in query:
        _refuse_unless_understood(key)
    name = _name(decode(url.path[1:], part="path"))
    flags = {
        key: one_of(query, key, choices) for key, choices in _CHOICES.items() if query.get(key)
    }
    in_memory = _is_in_memory(name, flags)
    return SqliteTarget(
        path=None if in_memory else name,
        uri=file_uri(name, flags) if flags else None,
        journal_mode=_journal_mode(query),
        busy_timeout=_busy_timeout(query),
    )


def _two_slashes(url: SplitUrl) -> DatabaseUrlError:
    """Return the error for a first folder that stands where a host would be."""
    meant = url.authority + url.path
    # Nothing like user:password@host, which some have here, may be repeated.
    harmless = "@" not in url.query and re.fullmatch(r"(?:[A-Za-z]:(?=[/\\]))?[\w./\\-]+", meant)
    return DatabaseUrlError(
        "the database URL of a SQLite file has three slashes and no host",
        hint=f"did you mean sqlite:///{meant}?"
        if harmless
        else "write sqlite:///relative.db, or sqlite:////absolute.db",
    )


def _refuse_unless_understood(key: str) -> None:
    if key.startswith("x-"):
        raise DatabaseUrlError(
            f"the database URL has a {key}, which is for golang-migrate",
            hint="leave it out; --table names asyncmig's table",
        )
    if key not in _KEYS:
        raise unknown_key(key, list(_KEYS), hint="pragmas are for a setup hook (--setup)")
    if _KEYS[key] is _Key.SETUP:
        raise DatabaseUrlError(
            f"the {key} in the database URL is a pragma of a connection, not of a file",
            hint="execute the pragma in a setup hook (--setup)",
        )


def _name(path: str) -> str:
    """Return the name of the file, whether it is given as a path or as a URI of SQLite."""
    if path.startswith("~"):
        raise DatabaseUrlError(
            "SQLite does not replace the ~ in the database URL by a home folder",
            hint="write the whole path, with four slashes: sqlite:////srv/app.db",
        )
    if not path.startswith("file:"):
        return path
    return re.sub(r"^//(localhost)?(?=/)", "", path.removeprefix("file:"))


def _is_in_memory(name: str, flags: dict[str, str]) -> bool:
    """Tell a database in memory from a file.

    Raises:
        DatabaseUrlError: It would be gone with the connection that migrated it.
    """
    shared = flags.get("cache") == "shared" or (
        flags.get("vfs") == "memdb" and name.startswith("/")
    )
    in_memory = name == ":memory:" or flags.get("mode") == "memory" or flags.get("vfs") == "memdb"
    if not name or (in_memory and not shared):
        raise DatabaseUrlError(
            "the database URL names a database in memory, which nobody else would ever see",
            hint="name a file, sqlite:///app.db; or from Python give the aiosqlite.Connection, or "
            "sqlite:///file:name?mode=memory&cache=shared&uri=true",
        )
    return in_memory


def _journal_mode(query: dict[str, str]) -> str | None:
    asked = {one_of(query, key, JOURNAL_MODES) for key in _given(query, _Key.JOURNAL_MODE)}
    return _only(asked, "journal_mode")


def _busy_timeout(query: dict[str, str]) -> float | None:
    milliseconds = {
        number(query, key, unit="milliseconds") for key in _given(query, _Key.BUSY_MILLISECONDS)
    }
    seconds = {number(query, key, unit="seconds") for key in _given(query, _Key.BUSY_SECONDS)}
    return _only(seconds | {value / 1000 for value in milliseconds if value is not None}, "timeout")


def _given(query: dict[str, str], kind: _Key) -> list[str]:
    return [key for key, value in query.items() if value and _KEYS[key] is kind]


def _only(values: set[T], name: str) -> T | None:
    if len(values) > 1:
        raise DatabaseUrlError(
            f"the database URL gives the {name} twice, with different values",
            hint="keep one of them",
        )
    return next(iter(values), None)
