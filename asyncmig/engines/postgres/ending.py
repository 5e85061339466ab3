"""What follows the author's code in its transaction, in one message with the last of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.begun import STILL_OURS, is_lost
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.guards import refuse_entry
from asyncmig.errors import MigrationFailedError, TransactionLostError

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.messages import Message
    from asyncmig.plan import Step

_ABORTED = "25P02"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a step's transaction, but for its COMMIT.

    Attributes:
        orders: What to do, each statement ended.
        query: What to ask at last.
        may_follow: Whether it may share a message with the last of the author's code.
        opening: What is still to be sent in front of that code, which then is SQL that nobody
            looks at: the beginning of the transaction, each statement ended.
    """

    orders: str
    query: str
    may_follow: bool = True
    opening: str = ""

    async def begin(self, wire: Wire) -> None:
        """Send the opening by itself.

        Raises:
            FenceTakenError: Another runner is in its transaction.
            ServerError: It was refused.
        """
        try:
            await wire.execute(self.opening)
        except ServerError as error:
            refuse_entry(error)
            raise

    async def follow(self, wire: Wire, step: Step, last: Message | None = None) -> list[Row]:
        """Send it behind the last of the author's statements.

        Args:
            wire: The connection.
            step: What is being run.
            last: The statements to send in front of it, in the same message.

        Raises:
            TransactionLostError: The author's code ended our transaction.
            FenceTakenError: The opening found another runner in its transaction.
            MigrationFailedError: The end was refused, by a deferred constraint for one.
            ServerError: What stands in front of it was refused, and is taken back.
        """
        first = "" if last is None else last.text
        try:
            return await wire.fetch(self.query, after=f"{first}{STILL_OURS} {self.orders}")
        except ServerError as error:
            if is_lost(error):
                raise transaction_lost(step) from error
            refuse_entry(error)
            if last is not None and await is_about(wire, last, error):
                raise
            raise server_failed(step, error) from error


async def is_about(wire: Wire, message: Message, error: ServerError) -> bool:
    """Tell whether an error is of the author's statements, and not of what stands around them.

    The server reads all of a message before it begins with it: an error of syntax is in front of
    our own beginning, which then cannot be gone back to.
    """
    return await is_undone(wire, message) or message.holds(error.position)


async def is_undone(wire: Wire, message: Message) -> bool:
    """Take a message back, and tell whether that can be done: whether the error was in there.

    An error has no better mark: few have a position, and one is none of the statement's.
    """
    try:
        await wire.execute(message.undo)
    except ServerError:
        return False
    return True


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


def transaction_lost(step: Step) -> TransactionLostError:
    """Return the error for code that ended our transaction, although nothing in the file said so.

    What it did before its COMMIT stays, and so does the row in state ``applying``, as a trace.
    """
    return TransactionLostError(
        f"migration {step.key} ended the transaction that it ran in ({step.script.path})",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint="leave COMMIT and ROLLBACK to asyncmig; nested transaction() blocks are fine. "
        f"What it did before its COMMIT may be in the database: look, then `asyncmig repair "
        f"--mark {step.key}` or `--forget {step.key}`",
    )


def connection_closed(step: Step) -> TransactionLostError:
    """Return the error for a Python migration that closed our connection."""
    return TransactionLostError(
        f"migration {step.key} closed the connection that it was given ({step.script.path})",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint="leave close() out: asyncmig closes the connection; nothing of it remains",
    )
