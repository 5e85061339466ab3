"""What one batch runs: the statement of a SQL script with its size in it, or a Python function."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from asyncmig.batching import Batch
from asyncmig.checksum import checksum
from asyncmig.engines.batching import Outcome, Table, cursor_of, outcome_of, resumable
from asyncmig.engines.long_script import sql_of
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.ending import connection_closed
from asyncmig.engines.postgres.reckoning import reckon
from asyncmig.engines.postgres.running import loaded_function, prepared_of, refused, run_function
from asyncmig.engines.postgres.sightings import Moment
from asyncmig.engines.statements import place
from asyncmig.migration import PythonScript
from asyncmig.sql import Dialect, with_batch_size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.engines.postgres import running
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.ending import Ending
    from asyncmig.engines.postgres.observation import Observation
    from asyncmig.engines.postgres.running import MigrationFunction
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.history import Progress
    from asyncmig.migration import SqlScript
    from asyncmig.plan import Step


class Work(Protocol):
    """What is run for each batch.

    Attributes:
        checksum: Of what is run, to know it again.
    """

    checksum: str

    async def reckon(self, desk: Desk) -> Table:
        """Ask the server how much there is to do."""
        ...

    async def run(
        self, wire: Wire, before: Progress, size: int, observation: Observation | None
    ) -> Outcome:
        """Run it once, inside the transaction of a batch; look at what it does, if asked to.

        Raises:
            MigrationFailedError: It failed.
        """
        ...


@asynccontextmanager
async def work_of(step: Step, prepared: Prepared | None = None) -> AsyncGenerator[Work]:
    """Get ready what runs for each batch, off the event loop."""
    script = step.script
    if isinstance(script, PythonScript):
        async with loaded_function(step) as function:
            yield _Python(step, script, function)
        return
    script = sql_of(script)
    prepared = prepared or await prepared_of(script, step.key)
    yield _Sql(step, script, prepared.units[0])


@asynccontextmanager
async def one_batch(step: Step) -> AsyncGenerator[running.Work]:
    """Get the next batch of a step ready to run, and no other, as :func:`running.ready` does."""
    batching = step.script.batching
    assert batching is not None  # noqa: S101 - this is where those go that have one
    size = batching.size
    async with work_of(step) as work:
        start = resumable(step, work.checksum, step.resumes)

        async def run(wire: Wire, ending: Ending, observation: Observation | None) -> list[Row]:
            await work.run(wire, start, size, observation)
            return await ending.follow(wire, step)

        yield run


class _Sql:
    """The one statement of a SQL script."""

    def __init__(self, step: Step, script: SqlScript, unit: Unit) -> None:
        self._step = step
        self._script = script
        (self._statement,) = unit.statements
        self.checksum = unit.checksum

    async def reckon(self, desk: Desk) -> Table:
        """Ask the planner."""
        return await reckon(desk, self._step.script, self._statement)

    async def run(
        self, wire: Wire, before: Progress, size: int, observation: Observation | None
    ) -> Outcome:
        """Run the statement; the last batch is the one that finds nothing to change."""
        del before
        began = time.monotonic()
        text = with_batch_size(self._statement, Dialect.POSTGRESQL, size)
        try:
            tag = await wire.command_tag(text)
        except ServerError as error:
            offset = error.position or 0
            raise refused(self._step, self._script, self._statement, offset, error) from error
        if observation is not None:
            line, _ = place(self._script, self._statement.body)
            await observation.look(Moment(began, line))
        rows = int(tag.rpartition(" ")[2])
        return Outcome(rows == 0, rows)


class _Python:
    """The function of a Python script."""

    def __init__(self, step: Step, script: PythonScript, function: MigrationFunction) -> None:
        self._step = step
        self._function = function
        self.checksum = checksum(script.source)

    async def reckon(self, desk: Desk) -> Table:
        """Know nothing: nobody can see what it is going to do."""
        del desk
        return Table()

    async def run(
        self, wire: Wire, before: Progress, size: int, observation: Observation | None
    ) -> Outcome:
        """Await the function; the last batch is the one that returns no cursor."""
        del observation
        returned: object = None

        async def call(connection: Any) -> None:  # noqa: ANN401 - the driver's own
            nonlocal returned
            returned = await self._function(Batch(connection, cursor_of(before), size))

        await run_function(wire, self._step, call)
        if wire.is_closed:
            raise connection_closed(self._step)
        return outcome_of(self._step, before, returned)
