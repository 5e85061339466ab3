"""Send the author's SQL, or await the author's Python, and say where it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from asyncmig.engines.postgres.connection import DRIVER_ERRORS, ServerError, Wire
from asyncmig.engines.python_script import function_of, loaded, python_failed
from asyncmig.engines.statements import failed, prepare
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.migration import SqlScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from asyncmig.migration import PythonScript
    from asyncmig.plan import Step
    from asyncmig.sql import Statement

MigrationFunction = Callable[[Any], Awaitable[object]]
Work = Callable[[Wire], Awaitable[None]]

_BATCH_CHARACTERS = 64_000
"""How much seed data goes out in one message. Larger ones are hardly faster and delay errors."""

_SAVEPOINT = "asyncmig_batch"
_ABORTED = "25P02"


async def run_statements(
    wire: Wire, step: Step, script: SqlScript, statements: Sequence[Statement]
) -> None:
    """Send statements as they were written; neighbouring INSERTs share a message.

    One message a statement tells which one failed. Seed data with a hundred thousand INSERTs would
    pay a round trip for each, so those go out in batches behind a savepoint.

    Raises:
        MigrationFailedError: With the place in the file.
    """
    for batch in _batches(statements):
        if len(batch) == 1:
            await _send(wire, step, script, batch[0])
        else:
            await _send_batch(wire, step, script, batch)


async def _send(wire: Wire, step: Step, script: SqlScript, statement: Statement) -> None:
    try:
        await wire.execute(statement.text)
    except ServerError as error:
        raise failed(
            step,
            script,
            statement,
            message=error.message,
            offset=error.position,
            sqlstate=error.sqlstate,
            hint=error.hint,
        ) from error


async def _send_batch(
    wire: Wire, step: Step, script: SqlScript, batch: Sequence[Statement]
) -> None:
    """Send INSERTs together; if one fails, send them again one by one to learn which.

    All of them may succeed then: a time-out that the file has set was for each, not for all.
    """
    await wire.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        await wire.execute("".join(statement.text for statement in batch))
    except ServerError:
        await wire.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        for statement in batch:
            await _send(wire, step, script, statement)
    await wire.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _batches(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Group neighbouring INSERTs, up to a size; every other statement stays alone."""
    batch: list[Statement] = []
    size = 0
    for statement in statements:
        seed = statement.words[:1] == ("INSERT",) and statement.text.rstrip().endswith(";")
        if batch and (not seed or size + len(statement.text) > _BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        if seed:
            batch.append(statement)
            size += len(statement.text)
        else:
            yield [statement]
    if batch:
        yield batch


async def run_function(
    wire: Wire, step: Step, script: PythonScript, function: MigrationFunction
) -> None:
    """Await the function of a Python migration with the driver's own connection.

    Raises:
        MigrationFailedError: It raised; that is the cause.
    """
    try:
        await function(wire.raw)
    except AsyncmigError:
        raise
    except (Exception, SystemExit) as error:  # sys.exit(0) must not look like success
        if wire.is_closed and isinstance(error, DRIVER_ERRORS):
            with wire.own_words():
                raise
        raise python_failed(step, script, error) from error


@asynccontextmanager
async def ready(step: Step) -> AsyncGenerator[Work]:
    """Get a step ready to run, off the event loop and before its transaction begins.

    Yields:
        What runs the author's code through a connection.

    Raises:
        InvalidMigrationError: The script cannot be run safely.
    """
    script = step.script
    if isinstance(script, SqlScript):
        prepared = await anyio.to_thread.run_sync(prepare, script, Dialect.POSTGRESQL, step.key)
        statements = [s for unit in prepared.units for s in unit.statements]
        yield lambda wire: run_statements(wire, step, script, statements)
        return
    with loaded(script) as module:
        try:
            function = await anyio.to_thread.run_sync(function_of, module, script)
        except AsyncmigError:
            raise
        except (Exception, SystemExit) as error:
            raise python_failed(step, script, error) from error
        yield lambda wire: run_function(wire, step, script, function)


def server_failed(step: Step, error: ServerError) -> MigrationFailedError:
    """Return the error for what the server refused when no statement of the file is to name."""
    swallowed = "an error was caught inside the migration, which cannot go on after it"
    message = swallowed if error.sqlstate == _ABORTED else error.message
    return MigrationFailedError(
        f"migration {step.key} failed ({step.script.path}): {message}",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        sqlstate=error.sqlstate,
        hint=error.hint,
    )
