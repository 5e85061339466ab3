"""From SQLite's errors to ours, and to the place in a statement that SQLite means."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.errors import (
    DatabaseAccessError,
    DatabaseBusyError,
    DatabaseError,
    ReadOnlyDatabaseError,
)

if TYPE_CHECKING:
    from asyncmig.engines.sqlite.connection import Raw


class Code(IntEnum):
    """The primary result codes that matter here (https://sqlite.org/rescode.html)."""

    BUSY = 5
    READONLY = 8
    INTERRUPT = 9
    IOERR = 10
    CORRUPT = 11
    CANTOPEN = 14
    AUTH = 23
    NOTADB = 26


READONLY_DBMOVED = 1032
"""The file was taken away, or another one was put in its place, after it had been opened."""

_LOCKED_SHAREDCACHE = 262  # LOCKED alone means this very connection, for which waiting is no use
_READONLY_DIRECTORY = 1544
_READONLY_ROLLBACK = 776
_IOERR_DELETE = 2570  # the journal was put back, and cannot be taken away
_NEAR = r'near "(?P<token>.*)": syntax error'
_NAMED = r"(?:no such \w+|has no column named|duplicate column name):? (?P<name>.+)"


def code_of(error: BaseException) -> int:
    """Return the primary result code, 0 when the error is not SQLite's."""
    return extended_code_of(error) & 0xFF


def extended_code_of(error: BaseException) -> int:
    """Return the extended result code, 0 when the error is not SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code


def is_busy(error: BaseException) -> bool:
    """Tell whether another connection is in the way, so that waiting helps."""
    return code_of(error) == Code.BUSY or extended_code_of(error) == _LOCKED_SHAREDCACHE


def is_unwritable_directory(error: BaseException) -> bool:
    """Tell whether a WAL database cannot be read because its ``-shm`` cannot be made."""
    return extended_code_of(error) == _READONLY_DIRECTORY or code_of(error) == Code.CANTOPEN


def is_unrecovered(error: BaseException) -> bool:
    """Tell whether a journal has to be put back first, through a connection that may write."""
    return extended_code_of(error) in {_READONLY_ROLLBACK, _IOERR_DELETE}


def busy(where: str, seconds: float) -> DatabaseBusyError:
    """Return the error for an application that went on writing for longer than the budget."""
    return DatabaseBusyError(
        f"the database {where} was locked by another connection for more than {seconds:g} s",
        hint="something holds a transaction open: end it, or wait longer with --busy-timeout "
        "(busy_timeout= in Python)",
    )


def explained(error: DriverError, where: str) -> DatabaseError:
    """Return what an error of the database itself means to the person who runs a migration."""
    words = str(error)
    match code_of(error):
        case Code.NOTADB:
            message = f"{where} is not a SQLite database"
            return DatabaseAccessError(message, hint="is the path of the database right?")
        case Code.CANTOPEN:
            message = f"the database {where} cannot be opened: {words}"
            return DatabaseAccessError(message, hint="may this user read it, and its folder?")
        case Code.READONLY:
            return read_only(where)
        case Code.CORRUPT:
            message = f"the database {where} is damaged: {words}"
            return DatabaseError(message, hint="restore a backup, or see sqlite.org/recovery.html")
        case _:
            return DatabaseError(f"the database {where} failed: {words}")


def read_only(where: str) -> ReadOnlyDatabaseError:
    """Return the error for a database that would have to be written and cannot be."""
    return ReadOnlyDatabaseError(
        f"the database {where} cannot be written",
        hint="SQLite needs to write to the file and to its folder; is it mounted read-only?",
    )


def unreadable(where: str) -> DatabaseAccessError:
    """Return the error for a file, or a folder of a WAL database, that is closed to this user."""
    return DatabaseAccessError(
        f"the database {where} cannot be opened for reading",
        hint="may this user read the file? One in WAL that is in use, or was not closed, needs a "
        "folder that can be written, for its -shm file",
    )


def unrecovered(where: str) -> DatabaseAccessError:
    """Return the error for what a killed process has left, where nobody may put it right."""
    return DatabaseAccessError(
        f"the database {where} was left in the middle of a transaction, and cannot be recovered "
        "without writing to it",
        hint="let a user who may write to the file and its folder open it once",
    )


def offset_of(raw: Raw, text: str, words: str) -> int | None:
    """Return where in a statement SQLite's message points to, ``None`` when nobody can tell.

    Python does not pass ``sqlite3_error_offset()`` on. But SQLite reads from left to right, so
    the first beginning of the statement that is refused in the same words ends at the token
    that they name; any shorter beginning is only incomplete.

    Args:
        raw: A connection; nothing is executed on it.
        text: The statement.
        words: SQLite's message.
    """
    if words == "incomplete input":
        return len(text.rstrip())
    if found := re.fullmatch(_NEAR, words, re.DOTALL):
        return _first_refused(raw, text, found["token"], words)
    if found := re.search(_NAMED, words):
        places = _places(text, found["name"].rpartition(".")[2])
        return places[0] if len(places) == 1 else None
    return None


def _first_refused(raw: Raw, text: str, token: str, words: str) -> int | None:
    places = _places(text, token)
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if _refusal(raw, text[: places[middle] + len(token)]) == words:
            high = middle
        else:
            low = middle + 1
    return places[low] if low < len(places) else None


def _places(text: str, token: str) -> list[int]:
    """Return where a token may stand: not inside a longer word."""
    whole = rf"(?<!\w){re.escape(token)}(?!\w)" if token[:1].isidentifier() else re.escape(token)
    return [match.start() for match in re.finditer(whole, text)]


def _refusal(raw: Raw, beginning: str) -> str:
    """Return what SQLite says to the beginning of a statement, without running it."""
    try:
        raw.execute(f"EXPLAIN {beginning}").close()
    except DriverError as error:
        return str(error)
    return ""
