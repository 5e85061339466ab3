"""Send the author's SQL, or await the author's Python, and say where it failed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from asyncmig.engines.long_script import sections, statements_of
from asyncmig.engines.postgres.connection import DRIVER_ERRORS, ServerError
from asyncmig.engines.postgres.ending import connection_closed, is_undone
from asyncmig.engines.postgres.messages import ROWS, SHARING, Message, behind_savepoint, messages
from asyncmig.engines.postgres.refusals import NOT_IN_TRANSACTION
from asyncmig.engines.postgres.sightings import Moment
from asyncmig.engines.python_script import function_of, loaded, python_failed
from asyncmig.engines.statements import Section, failed, place, prepare
from asyncmig.errors import AsyncmigError
from asyncmig.migration import MARKER, LongScript, PythonScript, SqlScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.ending import Ending
    from asyncmig.engines.postgres.observation import Observation
    from asyncmig.engines.statements import Prepared
    from asyncmig.errors import MigrationFailedError
    from asyncmig.plan import Step
    from asyncmig.sql import Statement

MigrationFunction = Callable[[Any], Awaitable[object]]

Work = Callable[["Wire", "Ending", "Observation | None"], Awaitable["list[Row]"]]
"""Runs the author's code and then the ending, and returns what that asks for; looks at it, too."""

_SHORT = 800
"""Characters of a script that is cut in less time than a thread takes to be handed the work."""

_SYNTAX_ERROR = "42601"

_NEW_ENUM_VALUE = "55P04"
"""unsafe_new_enum_value_usage: it is used in the transaction that has added it."""

_COPY = ("COPY",)
"""Whose own answer would stand in front of that to the ending."""

_TRUNCATE = ("TRUNCATE",)


async def run_statements(
    wire: Wire,
    step: Step,
    script: SqlScript | Section,
    statements: Sequence[Statement],
    *,
    observation: Observation | None = None,
) -> None:
    """Send statements as they were written.

    Where somebody looks at what each of them does, only INSERTs share messages.

    Raises:
        MigrationFailedError: With the place in the file.
    """
    for message in messages(statements, SHARING if observation is None else ROWS):
        began = time.monotonic()
        await _send(wire, step, script, message)
        if observation is not None:
            first = message.statements[0]
            line, _ = place(script, first.body)
            empties = first.words[:1] == _TRUNCATE
            await observation.look(Moment(began, line, empties=empties))


async def _run_to_the_end(
    wire: Wire,
    step: Step,
    script: SqlScript,
    statements: Sequence[Statement],
    ending: Ending,
    *,
    observation: Observation | None,
) -> list[Row]:
    """Send statements in the same way, and the ending in one message with the last of them.

    The opening goes along where there is one message only.
    """
    if observation is not None:
        await run_statements(wire, step, script, statements, observation=observation)
        return await ending.follow(wire, step)
    rest = list(messages(statements))
    rest[:1] = [Message(message.statements) for message in rest[:1]]
    shares = ending.may_follow and statements and statements[-1].words[:1] != _COPY
    last = rest.pop() if shares else None
    if last is not None and not rest:
        last = Message(last.statements, opening=ending.opening)
    elif ending.opening:
        await ending.begin(wire)
    for message in rest:
        await _send(wire, step, script, message)
    if last is not None:
        try:
            return await ending.follow(wire, step, last)
        except ServerError as error:
            await _explain(wire, step, script, last, error, taken_back=True)
    return await ending.follow(wire, step)


async def _run_long_to_the_end(
    wire: Wire,
    step: Step,
    script: LongScript,
    ending: Ending,
    observation: Observation | None,
) -> list[Row]:
    """Send what is too long to be kept, section by section, and then the ending."""
    with closing(sections(step, script, Dialect.POSTGRESQL)) as read:
        while section := await anyio.to_thread.run_sync(next, read, None):
            if section.statements is not None:
                await run_statements(
                    wire, step, section, section.statements, observation=observation
                )
                continue
            began = time.monotonic()
            await _send_plain(wire, step, section)
            if observation is not None:
                await observation.look(Moment(began, section.start.line))
    return await ending.follow(wire, step)


async def _send_plain(wire: Wire, step: Step, section: Section) -> None:
    """Send a section as it is. It is cut into its statements only to name the one that failed."""
    try:
        await wire.execute(behind_savepoint(section.text))
    except ServerError as error:
        statements = await anyio.to_thread.run_sync(statements_of, section, Dialect.POSTGRESQL)
        await _take_back(wire, step, section, Message(statements, has_savepoint=True), error)


async def _send(wire: Wire, step: Step, script: SqlScript | Section, message: Message) -> None:
    try:
        await wire.execute(message.text)
    except ServerError as error:
        await _take_back(wire, step, script, message, error)


async def _take_back(
    wire: Wire, step: Step, script: SqlScript | Section, message: Message, error: ServerError
) -> None:
    """Take back what was refused, where that helps to say which statement it was."""
    is_clear = message.is_one or error.position is not None
    taken_back = not is_clear and await is_undone(wire, message)
    await _explain(wire, step, script, message, error, taken_back=taken_back)


async def _explain(
    wire: Wire,
    step: Step,
    script: SqlScript | Section,
    message: Message,
    error: ServerError,
    *,
    taken_back: bool,
) -> None:
    """Say which statement was refused. If that is not clear, send each of them alone.

    All of them may succeed then: a time-out that the file has set was for each, not for all.
    """
    if taken_back and not message.is_one and error.position is None:
        for statement in message.statements:
            await _send(wire, step, script, Message((statement,)))
        return
    statement, offset = message.find(error.position or 0)
    raise refused(step, script, statement, offset, error) from error


def refused(
    step: Step, script: SqlScript | Section, statement: Statement, offset: int, error: ServerError
) -> MigrationFailedError:
    """Return the error for a statement that the server refused, pointing into its text or not."""
    return failed(
        step,
        script,
        statement,
        message=_words(error, statement, offset),
        offset=None if error.position is None else offset,
        sqlstate=error.sqlstate,
        hint=_hint(error, script),
    )


def _hint(error: ServerError, script: SqlScript | Section) -> str:
    """Return the server's advice, and ours where it does not know what a transaction is here."""
    if error.sqlstate == _NEW_ENUM_VALUE:
        return (
            f"{error.hint} Give ALTER TYPE … ADD VALUE a migration of its own, and apply it "
            "without --single-transaction"
        ).strip()
    if error.sqlstate in NOT_IN_TRANSACTION:
        return "; ".join(filter(None, (_way_out(script), error.hint)))
    return error.hint


def _way_out(script: SqlScript | Section) -> str:
    """Return what to do about a statement that the server refuses inside of a transaction."""
    if isinstance(script, Section):  # of a long file, which is of our own format
        return f"give it a file of its own with {MARKER}"
    if not script.transaction:  # it is between a BEGIN and a COMMIT of the author's, or never runs
        return ""
    if script.marker:
        return f"give it {script.file_of_its_own}"
    return "a file like this runs in a transaction, and has no word to say otherwise"


def _words(error: ServerError, statement: Statement, offset: int) -> str:
    """Return what the server says, but for the semicolon that its author has not written."""
    is_behind_it = error.sqlstate == _SYNTAX_ERROR and offset >= len(statement.text)
    return "syntax error at end of input" if is_behind_it else error.message


async def run_function(wire: Wire, step: Step, function: MigrationFunction) -> None:
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
        raise python_failed(step, _python(step), error) from error


async def _run_function_to_the_end(
    wire: Wire, step: Step, function: MigrationFunction, ending: Ending
) -> list[Row]:
    await run_function(wire, step, function)
    if wire.is_closed:
        raise connection_closed(step)
    return await ending.follow(wire, step)


async def prepared_of(script: SqlScript, key: str) -> Prepared:
    """Cut a script, off the event loop unless that takes longer than the cutting."""
    if len(script.text) < _SHORT:
        return prepare(script, Dialect.POSTGRESQL, key)
    return await anyio.to_thread.run_sync(prepare, script, Dialect.POSTGRESQL, key)


@asynccontextmanager
async def ready(step: Step, prepared: Prepared | None = None) -> AsyncGenerator[Work]:
    """Get a step ready to run, before its transaction begins.

    Args:
        step: What is to be run.
        prepared: Its script, where that is cut already.

    Raises:
        InvalidMigrationError: The script cannot be run safely.
    """
    script = step.script
    if isinstance(script, SqlScript):
        prepared = prepared or await prepared_of(script, step.key)
        statements = [s for unit in prepared.units for s in unit.statements]
        yield lambda wire, ending, observation: _run_to_the_end(
            wire, step, script, statements, ending, observation=observation
        )
        return
    if isinstance(script, LongScript):
        yield lambda wire, ending, observation: _run_long_to_the_end(
            wire, step, script, ending, observation
        )
        return
    async with loaded_function(step) as function:
        yield lambda wire, ending, _: _run_function_to_the_end(wire, step, function, ending)


@asynccontextmanager
async def loaded_function(step: Step) -> AsyncGenerator[MigrationFunction]:
    """Get the function of a Python migration ready, off the event loop.

    Raises:
        InvalidMigrationError: There is none.
        MigrationFailedError: The module raised.
    """
    script = _python(step)
    with loaded(script) as module:
        try:
            function = await anyio.to_thread.run_sync(function_of, module, script)
        except AsyncmigError:
            raise
        except (Exception, SystemExit) as error:
            raise python_failed(step, script, error) from error
        yield function


def _python(step: Step) -> PythonScript:
    assert isinstance(step.script, PythonScript)  # noqa: S101 - only those have functions
    return step.script
