"""The lock of a session: a small SQLite file beside the database, held by an open transaction.

It is freed by the death of its process, and works between containers on one kernel. It tells
those who wait that another *runner* lives, for whom they wait as long as they were told to, while
an application that writes to the database itself is given ``busy_timeout``.

It is never the only fence: each migration compares the history inside its own ``BEGIN IMMEDIATE``
on the database. A lock file that somebody deletes by hand, or that is on a network file system,
costs those in a transaction nothing but the better message. Two runners that are at a file without
one at the same time get into each other's way, and one of them fails or asks.
"""

from __future__ import annotations

import os
import stat
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.connection import DriverError, open_raw
from asyncmig.engines.sqlite.failures import (
    READONLY_DBMOVED,
    Code,
    code_of,
    explained,
    extended_code_of,
    is_busy,
)
from asyncmig.engines.sqlite.records import roll_back
from asyncmig.engines.url.sqlite_target import file_uri

if TYPE_CHECKING:
    from asyncmig.engines.base import Holder, Runner
    from asyncmig.engines.sqlite.connection import Raw

SUFFIX = "-asyncmig-lock"
_SEVERAL = 20
"""How often to start anew when the file is taken away under one's feet."""

_CREATE = (
    "CREATE TABLE IF NOT EXISTS holder (token TEXT, host TEXT, pid INTEGER, run TEXT, since TEXT)"
)


class LockFile:
    """The lock of one database, as one runner sees it. Its methods block: call them in a thread."""

    def __init__(self, database: str, runner: Runner) -> None:
        self._database = database
        self._path = database + SUFFIX
        self._runner = runner
        self._held: Raw | None = None

    def take(self) -> bool:
        """Take the lock if nobody else holds it.

        Raises:
            DatabaseError: The file can be neither made nor written.
        """
        for _ in range(_SEVERAL):
            raw = open_raw(self._uri("rwc"))
            try:
                token = self._try(raw)
                if token is not None and self._is_at_path(token):
                    self._held = raw
                    return True
            except DriverError as error:
                if not self._is_of_no_use(error):
                    raise explained(error, self._path) from error
                continue
            finally:
                if self._held is not raw:
                    raw.close()
            if token is None:
                return False
        return False

    def release(self) -> None:
        """Take the file away, then let go of it. Without the lock, do nothing.

        The file goes while it is still locked, so nobody can have taken it meanwhile. Who has
        opened it already gets a lock on a file without a name, sees that, and starts anew.
        """
        raw, self._held = self._held, None
        if raw is None:
            return
        with closing(raw):
            if self._is_at_path(_token(raw)):
                Path(self._path).unlink(missing_ok=True)
            roll_back(raw)

    def holder(self) -> Holder | None:
        """Tell who holds the lock, or held it last."""
        try:
            with closing(open_raw(self._uri("ro"))) as raw:
                row = raw.execute("SELECT host, pid, run, since FROM holder").fetchone()
        except DriverError:
            return None  # it is gone, or was never written: the wait is over in a moment
        if row is None:
            return None
        from asyncmig.engines.base import Holder

        host, pid, run, since = row
        return Holder(f"asyncmig/{run} (pid {pid} on {host})", datetime.fromisoformat(since))

    def is_held_by_another(self) -> bool:
        """Tell whether another runner lives. Makes no file."""
        if self._held is not None or not Path(self._path).exists():
            return False
        try:
            with closing(open_raw(self._uri("rw"))) as raw:
                raw.execute("BEGIN IMMEDIATE")
        except DriverError as error:
            return is_busy(error)
        return False

    def _try(self, raw: Raw) -> str | None:
        """Write who we are for those who wait, then take the lock that stays.

        Two transactions, because what is written becomes readable with the COMMIT. Between them
        another runner may be faster: then the name in the file is its own, and so is the lock.
        """
        token = os.urandom(16).hex()
        since = datetime.now(UTC).isoformat()
        try:
            raw.execute("PRAGMA busy_timeout = 0")
            # What a crash of the machine leaves behind does not matter: it frees the lock. Even
            # this reads the file, and another runner may be in the middle of its COMMIT.
            raw.execute("PRAGMA synchronous = OFF")
            raw.execute("BEGIN IMMEDIATE")
            self._share_with_users_of_the_database()
            raw.execute(_CREATE)
            raw.execute("DELETE FROM holder")
            row = (token, self._runner.host, self._runner.pid, self._runner.run_id, since)
            raw.execute("INSERT INTO holder VALUES (?, ?, ?, ?, ?)", row)
            raw.execute("COMMIT")
            raw.execute("BEGIN IMMEDIATE")
        except DriverError as error:
            if is_busy(error):
                return None
            raise
        return token

    def _uri(self, mode: str) -> str:
        return file_uri(self._path, {"mode": mode})

    def _share_with_users_of_the_database(self) -> None:
        """Give the file the owner and mode of the database, as SQLite does with its journals.

        Else a file that a killed run of root leaves behind would keep everybody else out.
        """
        with suppress(OSError):
            of_database = Path(self._database).stat()
            Path(self._path).chmod(stat.S_IMODE(of_database.st_mode))
            os.chown(self._path, of_database.st_uid, of_database.st_gid)

    def _is_at_path(self, token: str) -> bool:
        """Tell whether the file that we have locked is the one that others find.

        The last holder may have taken the file away after we had opened it. File numbers cannot
        tell: file systems use them again at once. What is written in the file can.
        """
        try:
            with closing(open_raw(self._uri("ro"))) as raw:
                return _token(raw) == token
        except DriverError:
            return False

    def _is_of_no_use(self, error: DriverError) -> bool:
        """Tell whether to start anew: the file is another one by now, or a crash has damaged it.

        Nobody can hold a lock on a file that SQLite cannot read, so that one is taken away.
        """
        if extended_code_of(error) == READONLY_DBMOVED:
            return True
        if code_of(error) not in {Code.NOTADB, Code.CORRUPT}:
            return False
        Path(self._path).unlink(missing_ok=True)
        return True


def _token(raw: Raw) -> str:
    row = raw.execute("SELECT token FROM holder").fetchone()
    return str(row[0]) if row else ""
