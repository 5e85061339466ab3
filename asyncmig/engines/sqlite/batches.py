"""What one batch runs: the statement of a SQL script with its size in it, or a Python function."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from asyncmig import batching
from asyncmig.checksum import checksum
from asyncmig.engines.batching import (
    EVERYTHING,
    Outcome,
    Table,
    cursor_of,
    outcome_of,
)
from asyncmig.engines.long_script import sql_of
from asyncmig.engines.sqlite.authorizer import tables_of
from asyncmig.engines.sqlite.bodies import PythonBody, SqlBody, prepared_of, python_function
from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.engines.sqlite.records import fetch
from asyncmig.engines.statements import Unit
from asyncmig.history import Progress
from asyncmig.migration import PythonScript
from asyncmig.sql import Dialect, with_batch_size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import Any

    from asyncmig.engines.sqlite.connection import Driver, Raw
    from asyncmig.engines.statements import Prepared
    from asyncmig.plan import Step

    MigrationFunction = Callable[[Any], Awaitable[object]]


class Work(Protocol):
    """What is run for each batch.

    Attributes:
        checksum: Of what is run, to know it again.
    """

    checksum: str

    def reckon(self, raw: Raw) -> Table:
        """Look how much there is to do, in the thread."""
        ...

    def batch(self, size: int) -> Batch:
        """Return what a batch for so many rows runs."""
        ...


class Batch(Protocol):
    """What one batch runs."""

    @property
    def body(self) -> SqlBody | PythonBody:
        """What runs it."""
        ...

    def begin(self, raw: Raw, progress: Progress) -> None:
        """Note how things are in front of it, in the thread."""
        ...

    def outcome(self, raw: Raw) -> Outcome:
        """Tell what it came to, in the thread.

        Raises:
            MigrationFailedError: What it returned is no cursor.
        """
        ...


@asynccontextmanager
async def work_of(step: Step, prepared: Prepared | None) -> AsyncGenerator[Work]:
    """Get ready what runs for each batch, off the event loop."""
    script = step.script
    if isinstance(script, PythonScript):
        async with python_function(step, script) as function:
            yield _Python(step, script, function)
        return
    yield _Sql(step, prepared or await prepared_of(step, sql_of(script)))


class _Sql:
    """The one statement of a SQL script."""

    def __init__(self, step: Step, prepared: Prepared) -> None:
        self._step = step
        self._prepared = prepared
        (unit,) = prepared.units
        (self._statement,) = unit.statements
        self.checksum = unit.checksum

    def reckon(self, raw: Raw) -> Table:
        """Count the rows of the tables that the statement reads and writes."""
        try:
            tables = tables_of(raw, self._text(EVERYTHING))
            counts = [fetch(raw, f"SELECT count(*) FROM {table}") for table in tables]
        except DriverError:
            return Table()  # the first batch will say what is wrong
        return Table(known=sum(int(count) for ((count,),) in counts))

    def batch(self, size: int) -> _SqlBatch:
        """Put the size into the statement."""
        sized = Unit((replace(self._statement, text=self._text(size)),))
        return _SqlBatch(SqlBody(self._step, replace(self._prepared, units=(sized,))))

    def _text(self, size: int) -> str:
        return with_batch_size(self._statement, Dialect.SQLITE, size)


class _SqlBatch:
    """The statement, once. The last batch is the one that finds nothing to change."""

    def __init__(self, body: SqlBody) -> None:
        self.body = body
        self._changes = 0

    def begin(self, raw: Raw, progress: Progress) -> None:
        """Note how many rows this connection has changed so far."""
        del progress
        self._changes = raw.total_changes

    def outcome(self, raw: Raw) -> Outcome:
        """Count the rows: the statement's own, or those that its triggers have changed instead."""
        changed = raw.total_changes - self._changes
        if not changed:
            return Outcome(is_last=True, rows=0)
        ((own,),) = fetch(raw, "SELECT changes()")
        return Outcome(is_last=False, rows=own or changed)


class _Python:
    """The function of a Python script."""

    def __init__(self, step: Step, script: PythonScript, function: MigrationFunction) -> None:
        self._step = step
        self._script = script
        self._function = function
        self.checksum = checksum(script.source)

    def reckon(self, raw: Raw) -> Table:
        """Know nothing: nobody can see what it is going to do."""
        del raw
        return Table()

    def batch(self, size: int) -> _PythonBatch:
        """Call the function with the size."""
        return _PythonBatch(self._step, self._script, self._function, size)


class _PythonBatch:
    """The function, once. The last batch is the one that returns no cursor."""

    def __init__(
        self, step: Step, script: PythonScript, function: MigrationFunction, size: int
    ) -> None:
        self.body = PythonBody(step, script, self._call)
        self._step = step
        self._function = function
        self._size = size
        self._before = Progress()
        self._returned: object = None

    def begin(self, raw: Raw, progress: Progress) -> None:
        """Note what to go on behind."""
        del raw
        self._before = progress

    async def _call(self, connection: Driver) -> None:
        batch = batching.Batch(connection, cursor_of(self._before), self._size)
        self._returned = await self._function(batch)

    def outcome(self, raw: Raw) -> Outcome:
        """Take what it returned for the cursor."""
        del raw
        return outcome_of(self._step, self._before, self._returned)
