"""Read and write the history, inside the thread of a connection."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.rows import COLUMNS, entry_from
from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.errors import HistoryFormatError
from asyncmig.glance import in_force
from asyncmig.history import HISTORY_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from asyncmig.engines.sqlite.connection import Raw
    from asyncmig.engines.sqlite.table import Command, Table, Value
    from asyncmig.glance import InForce
    from asyncmig.history import Generation, History, HistoryEntry

T = TypeVar("T")

Row = tuple[str | None, ...]


@contextmanager
def transaction(raw: Raw) -> Generator[None]:
    """Begin, and commit when the block ends well; roll back otherwise."""
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    except BaseException:
        roll_back(raw)
        raise


def roll_back(raw: Raw) -> None:
    """Roll back what is open: after a full disk SQLite has done so by itself."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")


def write(raw: Raw, *commands: Command) -> None:
    """Run commands one after the other."""
    for command in commands:
        raw.execute(command.sql, command.values).close()


def read_history(raw: Raw, table: Table, known: History | None = None) -> History:
    """Read the whole history, if it is not as it is known.

    Raises:
        HistoryFormatError: A newer release wrote it, or it is no history at all.
    """
    from asyncmig.breathing import breathing
    from asyncmig.history import History

    if known is not None and known.entries:
        rows = _every(raw, table, table.rows_since(known.entries[-1].id), list[Row])
        if rows is not None and known.ends_with(map(_entry, rows)):
            return known
    rows = _every(raw, table, table.every_row(), list[Row])
    return History(exists=False) if rows is None else History(tuple(map(_entry, breathing(rows))))


def _entry(row: Row) -> HistoryEntry:
    return entry_from(dict(zip(COLUMNS, row, strict=True)))


def read_glance(raw: Raw, table: Table) -> InForce | None:
    """Read of the history only what is in force, row by row.

    Returns:
        ``None`` without a table, or when it takes a closer look.

    Raises:
        HistoryFormatError: A newer release wrote it, or it is no history at all.
    """
    return _every(raw, table, table.glance(), in_force)


def is_there(raw: Raw, table: Table) -> bool:
    """Tell whether there is a history, without a look at its rows.

    Raises:
        HistoryFormatError: It is no history at all.
    """
    return _every(raw, table, table.no_row(), list[Row]) is not None


def _every(
    raw: Raw, table: Table, command: Command, take: Callable[[Iterable[Row]], T]
) -> T | None:
    """Take in every row of the history as it is read; ``None`` without a table."""
    try:
        return _taken(raw, command.sql, command.values, take)
    except DriverError as error:
        if "no such table" in str(error):
            return None
        _refuse_other_columns(raw, table, error)
        raise


def read_residents(raw: Raw, table: Table) -> list[str]:
    """Read the names of the tables and views that are neither ours nor SQLite's own."""
    return [name for (name,) in fetch(raw, table.residents.sql, table.residents.values)]


def read_entry(raw: Raw, table: Table, entry_id: int) -> HistoryEntry:
    """Read one row, which is known to exist."""
    (row,) = _select(raw, table.row(entry_id))
    return _entry(row)


def refuse_moved(raw: Raw, table: Table, planned: Generation) -> None:
    """Compare the history with the one that was planned from, inside the transaction.

    Raises:
        HistoryMovedError: It is another one by now.
    """
    from asyncmig.history import Generation

    ((newest, unfinished),) = fetch(raw, table.generation)
    if Generation(newest, unfinished) != planned:
        raise HistoryMovedError


class Fence:
    """Whether the history is still the one that was planned from, asked inside a transaction.

    All of it is looked at once. Afterwards it is enough that nothing has changed in the database:
    no other connection has committed anything (https://sqlite.org/pragma.html#pragma_data_version),
    and this one has changed no row since the COMMIT that was noted here. To look at all of a
    history of thousands of rows in each of thousands of steps takes longer than the steps.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: tuple[int, int, Generation] | None = None
        self._data_version = 0

    def refuse_moved(self, raw: Raw, planned: Generation) -> None:
        """Compare the history with the one that was planned from.

        Raises:
            HistoryMovedError: It is another one by now.
        """
        ((self._data_version,),) = fetch(raw, "PRAGMA data_version")
        self.refuse_moved_inside(raw, planned)

    def refuse_moved_inside(self, raw: Raw, planned: Generation) -> None:
        """Do so in a transaction that has begun with another step: nobody else could write since.

        Raises:
            HistoryMovedError: It is another one by now.
        """
        if self._seen != (self._data_version, raw.total_changes, planned):
            refuse_moved(raw, self._table, planned)

    def note(self, raw: Raw, generation: Generation) -> None:
        """Note the history that this connection has just committed."""
        self._seen = (self._data_version, raw.total_changes, generation)

    def forget(self) -> None:
        """Look at all of the history the next time."""
        self._seen = None


def _select(raw: Raw, command: Command) -> Sequence[Row]:
    return fetch(raw, command.sql, command.values)


def fetch(raw: Raw, sql: str, values: Mapping[str, Value] | None = None) -> list[Any]:
    """Fetch every row as a tuple, whatever factories the connection came with."""
    return _taken(raw, sql, values or {}, list[Any])


def _taken(
    raw: Raw, sql: str, values: Mapping[str, Value], take: Callable[[Iterable[Any]], T]
) -> T:
    text_factory = raw.text_factory
    raw.text_factory = str
    try:
        with closing(raw.cursor()) as cursor:
            cursor.row_factory = None
            return take(cursor.execute(sql, values))
    finally:
        raw.text_factory = text_factory


def _refuse_other_columns(raw: Raw, table: Table, error: DriverError) -> None:
    """Say what is wrong with a table that has not the columns of this release."""
    if "no such column" not in str(error):
        return
    try:
        ((found,),) = _select(raw, table.newest_format())
    except DriverError:
        message = f"the table {table.name} is not a history of asyncmig"
        raise HistoryFormatError(message, hint="name another one with --table") from error
    if found is not None and int(found) > HISTORY_FORMAT:
        message = f"the history is of format {found}, and this release knows up to {HISTORY_FORMAT}"
        raise HistoryFormatError(message, hint="upgrade asyncmig") from error
    message = f"the table {table.name} is not the history that it says it is: {error}"
    raise HistoryFormatError(message, hint="was it edited by hand? Restore its columns") from error
