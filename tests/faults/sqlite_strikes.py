"""What can happen to a runner, or to its disk, at one statement. For a process that is thrown away.

The disk's failures are the kernel's own: no file of the process may grow any more.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.faults.matrix import Fault

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from tests.faults.sqlite_tap import Strike, TappedConnection

_FRAME = 4096 + 24  # bytes of one page in a WAL
_DELIVERY = 10.0  # seconds that the event loop has to take a cancellation in


class KillBefore:
    """The process is killed before the statement."""

    def before(self, connection: TappedConnection) -> None:
        """Die."""
        del connection
        os.kill(os.getpid(), signal.SIGKILL)

    def after(self) -> None:
        """Nobody comes here."""


class KillAfter:
    """The process is killed when the statement has run, and nobody has been told."""

    def before(self, connection: TappedConnection) -> None:
        """Let it run."""

    def after(self) -> None:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)


class KillWithin:
    """The process is killed by the kernel in the middle of what the statement writes.

    With a rollback journal that is when it comes to the second half of the file: in a COMMIT the
    first pages are overwritten by then, so the journal is hot. In a WAL it is behind the first page
    of the transaction.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # in the main thread: no other one may

    def before(self, connection: TappedConnection) -> None:
        """Arm it."""
        path = path_of(connection)
        wal = Path(f"{path}-wal")
        size = _size(wal) + _FRAME if wal.exists() else _size(path) // 2
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit_files_to(size)

    def after(self) -> None:
        """Disarm it."""
        limit_files_to(resource.RLIM_INFINITY)


class BrokenDisk:
    """Nothing can be written any more, from this statement to the end of the process."""

    def before(self, connection: TappedConnection) -> None:
        """Break the disk. Python ignores SIGXFSZ, so a write fails with EFBIG."""
        del connection
        limit_files_to(0)

    def after(self) -> None:
        """Leave it broken."""


class DiskFull:
    """The database cannot grow any more."""

    def before(self, connection: TappedConnection) -> None:
        """Fill it, if it is open."""
        with contextlib.suppress(sqlite3.Error):
            pages = connection.past_the_tap("page_count")
            connection.past_the_tap(f"max_page_count = {max(1, pages)}")

    def after(self) -> None:
        """Leave it full."""


class Busy:
    """Another connection is in the way, for this once. SQLite says so and has done nothing."""

    def before(self, connection: TappedConnection) -> None:
        """Refuse."""
        del connection
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        error.sqlite_errorname = "SQLITE_BUSY"
        raise error

    def after(self) -> None:
        """Nobody comes here."""


class Cancel:
    """The task of the run is cancelled while the statement begins.

    Attributes:
        at: When, on the monotonic clock; ``None`` before.
    """

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.at: float | None = None

    def before(self, connection: TappedConnection) -> None:
        """Cancel from the thread of the connection, and go on when the loop has heard it."""
        del connection
        heard = threading.Event()
        self._task.get_loop().call_soon_threadsafe(self._cancel, heard)
        if not heard.wait(_DELIVERY):
            raise AssertionError("the event loop is blocked")

    def after(self) -> None:
        """Let it go on."""

    def _cancel(self, heard: threading.Event) -> None:
        self.at = time.monotonic()
        self._task.cancel()
        heard.set()


def strike_for(fault: Fault, task: asyncio.Task[object]) -> Strike:
    """Return what brings a fault about."""
    return Cancel(task) if fault is Fault.CANCEL else _STRIKES[fault]()


_STRIKES: Mapping[Fault, Callable[[], Strike]] = {
    Fault.KILL: KillBefore,
    Fault.KILL_AFTER: KillAfter,
    Fault.KILL_WITHIN: KillWithin,
    Fault.IO_ERROR: BrokenDisk,
    Fault.DISK_FULL: DiskFull,
    Fault.BUSY: Busy,
}


def limit_files_to(size: int) -> None:
    """Let no file that this process writes grow beyond that."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def path_of(connection: TappedConnection) -> Path:
    """Return the file that a connection was opened for."""
    return Path(unquote(urlsplit(connection.database).path))


def _size(path: Path) -> int:
    """Return the size of a file, 0 for one that is gone: so is the lock's at its end."""
    return path.stat().st_size if path.exists() else 0
