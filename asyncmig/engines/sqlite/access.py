"""The two ways to a database: connections of our own, and the one that an application lends."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from asyncmig.engines.cleanup import in_thread
from asyncmig.engines.sqlite.connection import (
    ClosedError,
    DriverError,
    Settings,
    Worker,
    open_raw,
    open_worker,
)
from asyncmig.engines.sqlite.failures import (
    explained,
    is_unrecovered,
    is_unwritable_directory,
    read_only,
    unreadable,
    unrecovered,
)
from asyncmig.engines.sqlite.records import fetch
from asyncmig.engines.url.sqlite_target import Access
from asyncmig.errors import ConnectionInUseError, DatabaseAccessError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from asyncmig.engines.sqlite.connection import Driver, Raw
    from asyncmig.engines.sqlite.patience import Patience
    from asyncmig.engines.url import SqliteTarget

T = TypeVar("T")


class Visit(Protocol):
    """A way to a database.

    Attributes:
        address: What to call the database in messages.
    """

    address: str

    async def file(self) -> str | None:
        """Return the database's file behind all links, ``None`` for one in memory."""
        ...

    async def read(self, work: Callable[[Raw], T], *, without: T) -> T:
        """Do a piece of work that only reads, or return ``without`` when there is no file."""
        ...

    async def refuse_read_only(self) -> None:
        """Find out, before anything is made, whether the database can be written.

        Raises:
            ReadOnlyDatabaseError: It cannot.
            DatabaseAccessError: It cannot even be.
        """
        ...

    def writing(self) -> AbstractAsyncContextManager[Worker]:
        """Have a connection to write with."""
        ...

    async def fresh(self, worker: Worker) -> None:
        """Take away what a migration has left on the connection, before the next one."""
        ...


class OwnConnections:
    """Connections that asyncmig opens and closes itself."""

    def __init__(self, target: SqliteTarget, patiently: Patience) -> None:
        self._target = target
        self._patiently = patiently
        self.address = target.address

    async def file(self) -> str | None:
        """Return the file behind all links, ``None`` for a database in memory."""
        return await in_thread(self._target.real_path)

    async def read(self, work: Callable[[Raw], T], *, without: T) -> T:
        """Open the database with ``mode=ro``, which makes no file, for this piece of work alone.

        A connection that stayed open while we wait would be in the way of a migration of another
        runner that changes the journal mode.
        """
        return await in_thread(_read, self._target, work, without)

    async def refuse_read_only(self) -> None:
        """Look at the URI, the file and its folder."""
        await in_thread(_refuse_read_only, self._target)

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Worker]:
        """Open the database, and close it on every way out. A new file is put into WAL."""
        is_new = await in_thread(_is_new, self._target)
        worker = await _opened(self._target)
        try:
            await self._set_journal_mode(worker, "wal" if is_new else None)
            yield worker
        finally:
            await worker.close()

    async def fresh(self, worker: Worker) -> None:
        """Change to a new connection: nothing else forgets functions and attached databases.

        The old one goes last, because a shared database in memory lives as long as somebody
        has it open.
        """
        old, worker.driver = worker.driver, (await _opened(self._target)).driver
        await Worker(old).close()
        await self._set_journal_mode(worker, None)

    async def _set_journal_mode(self, worker: Worker, default: str | None) -> None:
        """Set what the URL asks for; only WAL is a property of the file, the others are ours.

        To or from WAL it takes the database for itself: one reader, a runner that waits and looks
        at the history, is in the way.
        """
        mode = self._target.journal_mode or default
        if mode is not None:
            await self._patiently(lambda: worker.run(_set_journal_mode, mode))


class BorrowedConnection:
    """The connection of an application: given back as it was, and never closed."""

    address = "of the application's connection"

    def __init__(self, driver: Driver) -> None:
        self._worker = Worker(driver)

    async def file(self) -> str | None:
        """Return the file that SQLite says it has open, ``None`` for a database in memory."""
        return await self._run(_file_of)

    async def read(self, work: Callable[[Raw], T], *, without: T) -> T:
        """Do the work on the connection itself: the application may be in memory."""
        del without
        return await self._run(work)

    async def refuse_read_only(self) -> None:
        """Leave it to SQLite: its first write will tell."""

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Worker]:
        """Change the settings that would be in the way, and change them back."""
        kept = await self._run(Settings.of)
        try:
            await self._worker.run(Settings.for_migrations)
            yield self._worker
        finally:
            with suppress(ClosedError):  # by the migration: nothing is left to give back
                await self._worker.clean_up(kept.restore)

    async def fresh(self, worker: Worker) -> None:
        """Set again what a Python migration may have changed. Nothing can be thrown away here."""
        await worker.run(Settings.for_migrations)

    async def _run(self, work: Callable[[Raw], T]) -> T:
        try:
            await self._worker.run(_refuse_transaction)
            return await self._worker.run(work)
        except ClosedError as error:
            raise _in_use("closed") from error


def _read(target: SqliteTarget, work: Callable[[Raw], T], without: T) -> T:
    if target.path is not None and not _exists(target.path):
        return without
    try:
        with closing(open_raw(target.uri_for(Access.READ))) as raw:
            return work(raw)
    except DriverError as error:
        if is_unrecovered(error):
            return _read_recovered(target, work)
        if not is_unwritable_directory(error):
            raise
        if not _is_at_rest(target.path):
            raise unreadable(target.address) from error
        # A WAL database on read-only media: SQLite cannot make the -shm file that it reads with.
        with closing(open_raw(target.uri_for(Access.READ, immutable="1"))) as raw:
            return work(raw)


def _read_recovered(target: SqliteTarget, work: Callable[[Raw], T]) -> T:
    """Read what a killed process has left in the middle of a COMMIT.

    SQLite does not put a hot journal back through a connection that is open for reading only. To
    do so is no change: it is how every reader has to see this database.
    """
    if target.is_read_only:
        raise unrecovered(target.address)
    try:
        with closing(open_raw(target.uri_for(Access.READ, mode="rw"))) as raw:
            return work(raw)
    except DriverError as error:
        if is_unrecovered(error):
            raise unrecovered(target.address) from error
        raise


def _is_at_rest(path: str | None) -> bool:
    """Tell whether the file holds all there is, so that it can be read without any lock."""
    return path is not None and Path(path).is_file() and not Path(f"{path}-wal").exists()


def _exists(path: str) -> bool:
    """Tell whether there is a file.

    Raises:
        DatabaseAccessError: There cannot be one: the path is a folder, or its folder is missing.
    """
    if Path(path).is_file():  # nearly always; to find out more takes ten times as long
        return True
    folder = Path(path).resolve().parent
    if Path(path).is_dir():
        message = f"the database {path} is a folder"
        raise DatabaseAccessError(message, hint="name the file in it")
    if not folder.is_dir():
        message = f"the database {path} cannot be: there is no folder {folder}"
        raise DatabaseAccessError(message, hint="make the folder, or correct the path")
    return Path(path).exists()


def _is_new(target: SqliteTarget) -> bool:
    return target.path is not None and not _exists(target.path)


def _refuse_read_only(target: SqliteTarget) -> None:
    if target.is_read_only:
        raise read_only(target.address)
    if target.path is None:
        return
    exists, folder = _exists(target.path), Path(target.path).resolve().parent
    written = [folder, Path(target.path)] if exists else [folder]
    if not all(os.access(path, os.W_OK) for path in written):
        raise read_only(target.address)


async def _opened(target: SqliteTarget) -> Worker:
    try:
        return await open_worker(await in_thread(target.uri_for, Access.WRITE))
    except DriverError as error:
        raise explained(error, target.address) from error


def _set_journal_mode(raw: Raw, mode: str) -> None:
    raw.execute(f"PRAGMA journal_mode = {mode}").close()


def _file_of(raw: Raw) -> str | None:
    path = next(file for _, name, file in fetch(raw, "PRAGMA database_list") if name == "main")
    return str(Path(path).resolve()) if path else None


def _refuse_transaction(raw: Raw) -> None:
    if raw.in_transaction:
        raise _in_use("inside a transaction")


def _in_use(why: str) -> ConnectionInUseError:
    return ConnectionInUseError(
        f"the connection that was handed over is {why}",
        hint="hand over an open connection that has nothing uncommitted, or the database's URL",
    )
