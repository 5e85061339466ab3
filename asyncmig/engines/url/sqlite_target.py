"""Where a SQLite database is, and how SQLite is told so."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode


class Access(enum.StrEnum):
    """What a connection is opened for, in the words of SQLite's ``mode=``."""

    READ = "ro"
    WRITE = "rwc"


JOURNAL_MODES = ("wal", "delete", "truncate", "persist", "memory", "off")
"""What ``PRAGMA journal_mode`` knows (https://sqlite.org/pragma.html#pragma_journal_mode)."""


@dataclass(frozen=True, slots=True)
class SqliteTarget:
    """What an engine needs to open a SQLite database.

    Attributes:
        path: The file, relative or absolute; ``None`` for a database in memory.
        uri: What to open in place of the path, with ``uri=True``, if there is more to say than
            the path; ``None`` if there is not.
        journal_mode: What to set, one of :data:`JOURNAL_MODES`; ``None`` leaves an existing file
            as it is.
        busy_timeout: Seconds to wait for an application that is writing; ``None`` for the
            engine's own setting.
    """

    path: str | None
    uri: str | None = None
    journal_mode: str | None = None
    busy_timeout: float | None = None

    def __post_init__(self) -> None:
        """Refuse a journal mode that SQLite would silently ignore: it goes into a statement."""
        if self.journal_mode not in {None, *JOURNAL_MODES}:
            raise ValueError(f"unknown journal mode {self.journal_mode!r}")

    @property
    def address(self) -> str:
        """Where it is, for people: the path, or the URI of what has none. Neither has secrets."""
        return self.path or self.uri or ":memory:"

    @property
    def is_read_only(self) -> bool:
        """Whether the URI itself says that nothing may be written."""
        flags = self._flags()
        return flags.get("mode") == Access.READ or flags.get("immutable") == "1"

    def real_path(self) -> str | None:
        """Return the file behind all links, ``None`` for memory. Asks the file system."""
        return None if self.path is None else os.path.realpath(self.path)

    def uri_for(self, access: Access, **more: str) -> str:
        """Return the URI that opens the database for a purpose.

        A mode that the user named is kept when writing. A database in memory keeps its own, and
        its name as it is: the application's connections find it by that name.
        """
        if self.path is None:
            return self.uri or "file::memory:"
        flags = self._flags()
        mode = access if access is Access.READ else flags.get("mode", access)
        # An absolute path: a folder that changes between two connections would change the file.
        return file_uri(os.path.abspath(self.path), flags | {"mode": mode, **more})  # noqa: PTH100

    def _flags(self) -> dict[str, str]:
        return dict(parse_qsl((self.uri or "").partition("?")[2]))


def file_uri(name: str, flags: dict[str, str]) -> str:
    """Return SQLite's URI of a name (https://www.sqlite.org/uri.html).

    Not made by ``urllib.parse.urlunsplit``: before Python 3.13 that turns ``file:name`` into
    ``file:///name``, which is a different file.
    """
    if name[1:3] in {":/", ":\\"} and name[0].isascii() and name[0].isalpha():
        name = "/" + name.replace("\\", "/")
    # Without an empty authority the first part of //x/y would be taken for a host.
    root = "//" if name.startswith("/") else ""
    query = f"?{urlencode(flags)}" if flags else ""
    return f"file:{root}{quote(os.fsencode(name), safe='/:')}{query}"
