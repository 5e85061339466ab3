"""Run a step inside a transaction that commits its history with it.

The order inside matters: fence, compare the history, append the row, and only then the author's
code; tidy up, finish the row, COMMIT as a message of its own. All that is in front of COMMIT is one
message where that can be.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.begun import BEGUN
from asyncmig.engines.postgres.book import entry_of
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.durable import WITHOUT_WAITING
from asyncmig.engines.postgres.ending import Ending, server_failed
from asyncmig.engines.postgres.lent import BELONGINGS, belongings_of, restoring
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.lost_commit import is_committed
from asyncmig.engines.postgres.observation import observed, told
from asyncmig.engines.postgres.patience import patiently
from asyncmig.engines.postgres.resume import refuse_progress
from asyncmig.engines.postgres.running import ready
from asyncmig.engines.postgres.settings import CHECK_DEFERRED, TIDY
from asyncmig.engines.postgres.transaction import (
    NestableTransaction,
    Transaction,
    beginning_with,
)
from asyncmig.engines.postgres.verdict import judge
from asyncmig.engines.postgres.watch import Watch
from asyncmig.engines.python_script import run_setup
from asyncmig.errors import DatabaseUnavailableError, MigrationFailedError
from asyncmig.history import NewRow, RowState
from asyncmig.migration import PythonScript, SqlScript
from asyncmig.request import Durability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.observation import Observation
    from asyncmig.engines.postgres.running import Work
    from asyncmig.engines.statements import Prepared
    from asyncmig.history import Edit, Failure, Generation, HistoryEntry
    from asyncmig.plan import Step

_UNIQUE_VIOLATION = "23505"


async def apply(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    prepared: Prepared | None = None,
) -> HistoryEntry:
    """Run a step; when it has to wait for a lock too long, roll it all back and try again."""
    refuse_progress(step)
    attempts = limits_of(desk.settings, step.script).attempts
    async with ready(step, prepared) as work:
        once = partial(_once, desk, step, planned, events, work)
        return await patiently(once, events, attempts=attempts)


async def _once(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    work: Work,
) -> HistoryEntry:
    transaction = transaction_for(desk, [step])
    is_durable = not _waits_for_flush(desk, step)
    opening = _opening(desk, step, planned)
    try:
        before = None if opening else await _enter(desk, transaction, step, planned)
        entry_id = desk.entry_id(step, planned)
        entry = await run_inside(
            desk,
            step,
            entry_id,
            before,
            work,
            events=events,
            is_durable=is_durable,
            opening=opening,
        )
    except (ServerError, MigrationFailedError) as error:
        await transaction.roll_back()
        is_ours = isinstance(error, ServerError) or (opening and not error.statement)
        if is_ours and error.sqlstate == _UNIQUE_VIOLATION:  # somebody may have the id of our row
            await desk.compare(planned)
        raise
    except BaseException:
        await transaction.roll_back()
        raise
    await commit(desk, transaction, step, [entry])
    if not is_durable:
        desk.unflushed = entry
    return entry


def _waits_for_flush(desk: Desk, step: Step) -> bool:
    """Tell whether the step is committed without waiting for the disk."""
    return desk.settings.durability is Durability.RUN and step.is_transactional_sql


def transaction_for(desk: Desk, steps: Iterable[Step]) -> Transaction:
    """Return a transaction, a nestable one where the application's code gets the connection."""
    has_python = any(isinstance(step.script, PythonScript) for step in steps)
    if has_python or desk.settings.setup is not None:
        return NestableTransaction(desk.wire)
    return Transaction(desk.wire)


def _opening(desk: Desk, step: Step, planned: Generation) -> str:
    """Return what begins the transaction, where it may share a message with the author's code.

    The row is in front of that code all the same, and after an error the server reads no further.
    """
    settings = desk.settings
    nobody_looks = settings.setup is None and settings.locks is None
    goes_along = isinstance(step.script, SqlScript) and nobody_looks
    if not goes_along or not _is_fenced(desk, step, planned):
        return ""
    return beginning_with(_fenced(desk, step, planned))


async def _enter(
    desk: Desk, transaction: Transaction, step: Step, planned: Generation
) -> Belongings | None:
    """Begin; make sure that nobody else is in, and that the plan still holds; append the row.

    Returns:
        What the application that lends the connection has set on it; ``None`` for one of our own.
    """
    if _is_fenced(desk, step, planned):
        await desk.enter_guarded(transaction, _fenced(desk, step, planned))
        return None
    entry_id, compared = desk.entry_id(step, planned), _compared(desk, planned)
    settings = desk.transaction_settings(step.script)
    first = f"{settings} {desk.book.opening(step, entry_id)}{BEGUN}"
    if not desk.wire.lent:
        await desk.enter(transaction, compared, first)
        return None
    before = belongings_of(await desk.enter(transaction, compared, query=BELONGINGS))
    await desk.wire.execute(first)
    return before


def _is_fenced(desk: Desk, step: Step, planned: Generation) -> bool:
    """Tell whether the row alone makes sure of everything: it is a new one, and takes the fence."""
    return _compared(desk, planned) is None and step.replaces is None and not desk.wire.lent


def _fenced(desk: Desk, step: Step, planned: Generation) -> str:
    """Return what comes first in a transaction of which that is true."""
    row = desk.book.fenced_opening(step, desk.entry_id(step, planned), desk.mutex.fence)
    return f"{desk.transaction_settings(step.script)} {row}{BEGUN}"


def _compared(desk: Desk, planned: Generation) -> Generation | None:
    """Return what to compare the history with before the row is appended; mostly nothing.

    A row that another runner has appended meanwhile has the very id that ours is to get: ids follow
    each other, and the primary key refuses a second one. To look first would cost as much as the
    row. It must be looked where a row may have been finished in its place, and through a pooler,
    which may lead to a server that has lost its last rows in a crash.
    """
    return planned if planned.unfinished or desk.server.pooled else None


async def run_inside(
    desk: Desk,
    step: Step,
    entry_id: int,
    before: Belongings | None,
    work: Work,
    *,
    events: StepEvents,
    is_durable: bool = True,
    opening: str = "",
) -> HistoryEntry:
    """Run a step whose row is there, up to its COMMIT.

    Args:
        desk: Where.
        step: What.
        entry_id: Its row.
        before: What the application has set on a connection that it lends.
        work: Runs the author's code.
        events: What to tell meanwhile.
        is_durable: Whether the COMMIT that follows waits for the disk.
        opening: What begins the transaction and appends the row, if that is still to be sent.

    Raises:
        MigrationFailedError: It failed, or locked what it must not.
    """
    lock_timeout = limits_of(desk.settings, step.script).lock_timeout
    events.on_started()
    await run_setup(desk.settings.setup, desk.wire.raw)
    observation = await observed(desk)
    async with Watch(desk, lock_timeout, events.on_waiting):
        entry = await carry_out(
            desk,
            step,
            entry_id,
            before,
            work,
            observation=observation,
            is_durable=is_durable,
            opening=opening,
        )
    if observation is not None:
        judge(step, observation.policy, await told(observation, events))
    return entry


async def carry_out(
    desk: Desk,
    step: Step,
    entry_id: int,
    before: Belongings | None,
    work: Work,
    *,
    observation: Observation | None,
    is_durable: bool = True,
    opening: str = "",
) -> HistoryEntry:
    """Run the author's code; if the transaction is still ours, tidy up and finish the row."""
    first, finish = desk.book.finishing(step, entry_id)
    if not is_durable:
        first += WITHOUT_WAITING
    shares = desk.server.times_statements
    if before is None:
        tidy = f"{TIDY} {desk.server.settings} {first}"
        ending = Ending(tidy, finish, may_follow=shares, opening=opening)
        (found,) = await work(desk.wire, ending, observation)
        return desk.book.finished(step, entry_id, found)
    seen = await work(desk.wire, Ending(CHECK_DEFERRED, BELONGINGS, may_follow=shares), observation)
    try:
        restore = restoring(before, belongings_of(seen))
        (found,) = await desk.wire.fetch(finish, after=f"{restore} {first}")
    except ServerError as error:
        raise server_failed(step, error) from error
    return desk.book.finished(step, entry_id, found)


async def commit(
    desk: Desk, transaction: Transaction, step: Step, entries: Sequence[HistoryEntry]
) -> None:
    """Send COMMIT and wait for the answer, also when this task is being cancelled.

    A connection that is lost here leaves both outcomes possible. So a new one is opened, the lock
    is taken again, and the rows are looked for: nothing is guessed.

    Args:
        desk: Where.
        transaction: What to commit.
        step: The last step in it.
        entries: The rows in it.

    Raises:
        MigrationFailedError: The server refused, and has rolled back.
        DatabaseUnavailableError: The connection was lost, and none of it is applied.
    """
    try:
        await transaction.commit()
    except ServerError as error:
        await transaction.roll_back()
        raise server_failed(step, error) from error
    except ConnectionLostError as error:
        if not await is_committed(desk, entries):
            message = f"the connection was lost in COMMIT; {_looked_up(entries)}"
            raise DatabaseUnavailableError(message, hint="run again") from error


def _looked_up(entries: Sequence[HistoryEntry]) -> str:
    keys = ", ".join(entry.key for entry in entries)
    if len(entries) == 1:
        return f"migration {keys} was looked up afterwards and is not applied"
    return f"migrations {keys} were looked up afterwards, and none of them is applied"


async def edit_history(desk: Desk, edit: Edit, planned: Generation) -> HistoryEntry:
    """Change the history alone, under the fence."""
    entry_id = planned.newest_id + 1
    change = f"SET LOCAL statement_timeout = 0; {desk.book.editing(edit, entry_id)}"
    async with desk.transaction(planned, change, desk.book.row(entry_id)) as (row,):
        return entry_of(row)


async def record_failure(desk: Desk, step: Step, failure: Failure) -> None:
    """Append a row in state ``failed``, in a transaction of its own."""
    row = NewRow(
        kind=step.kind,
        direction=step.direction,
        version=step.version,
        name=step.name,
        checksum=step.checksum,
        state=RowState.FAILED,
        failure=failure,
    )
    async with desk.transaction(None, desk.ourselves, desk.table.generation) as ((newest, _),):
        await desk.wire.execute(desk.book.appending(row, int(newest or 0) + 1))
