"""Run a step inside a transaction that commits its history with it.

The order inside matters: fence, compare the history, append the row, and only then the author's
code; tidy up, finish the row, COMMIT as a message of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.lent import belongings, give_back
from asyncmig.engines.postgres.patience import patiently
from asyncmig.engines.postgres.resume import refuse_progress
from asyncmig.engines.postgres.running import ready, server_failed
from asyncmig.engines.postgres.settings import TIDY
from asyncmig.engines.python_script import run_setup
from asyncmig.errors import DatabaseUnavailableError, TransactionLostError
from asyncmig.history import NewRow, RowState

if TYPE_CHECKING:
    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.connection import Transaction
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.lent import Belongings
    from asyncmig.engines.postgres.running import Work
    from asyncmig.history import Edit, Failure, Generation, HistoryEntry
    from asyncmig.plan import Step

_XID = "SELECT pg_catalog.txid_current_if_assigned()"


async def apply(desk: Desk, step: Step, planned: Generation, events: StepEvents) -> HistoryEntry:
    """Run a step; when it has to wait for a lock too long, roll it all back and try again."""
    refuse_progress(step)
    async with ready(step) as work:
        return await patiently(lambda: _once(desk, step, planned, events, work), events)


async def _once(
    desk: Desk,
    step: Step,
    planned: Generation,
    events: StepEvents,
    work: Work,
) -> HistoryEntry:
    entry_id, began = desk.entry_id(step, planned), time.monotonic()
    transaction = desk.wire.transaction()
    await transaction.begin()
    try:
        before = await _enter(desk, planned, desk.transaction_settings(step.script))
        await desk.book.begin(step, entry_id)
        xid = await desk.wire.one(_XID)
        events.on_started()
        await run_setup(desk.settings.setup, desk.wire.raw)
        await work(desk.wire)
        await _refuse_lost_transaction(desk, step, xid)
        await _tidy(desk, step, before)
        duration_ms = round((time.monotonic() - began) * 1000)
        await desk.book.finish(step, entry_id, duration_ms)
        entry = await desk.book.entry(entry_id)
    except BaseException:
        await transaction.roll_back()
        raise
    assert entry is not None  # noqa: S101 - it was written above
    await _commit(desk, transaction, step, entry)
    return entry


async def _enter(desk: Desk, planned: Generation, settings: str) -> Belongings | None:
    """Make sure that this transaction is alone, and that the plan still holds.

    Returns:
        What the application that lends the connection has set on it.
    """
    await desk.enter_fence()
    await desk.book.check(planned)
    before = await belongings(desk.wire) if desk.wire.lent else None
    await desk.wire.execute(settings)
    return before


async def _refuse_lost_transaction(
    desk: Desk, step: Step, xid: tuple[str | None, ...] | None
) -> None:
    """Notice when the author's code ended our transaction, although nothing in the file said so.

    What it did before its COMMIT stays, and so does the row in state ``applying``, as a trace.
    """
    try:
        ours = desk.wire.is_in_transaction and await desk.wire.one(_XID) == xid
    except ServerError as error:  # it is aborted: the code swallowed an error
        raise server_failed(step, error) from error
    if desk.wire.is_closed:
        raise TransactionLostError(
            f"migration {step.key} closed the connection that it was given ({step.script.path})",
            version=step.key,
            direction=step.direction,
            file=step.script.path,
            hint="leave close() out: asyncmig closes the connection; nothing of it remains",
        )
    if not ours:
        raise TransactionLostError(
            f"migration {step.key} ended the transaction that it ran in ({step.script.path})",
            version=step.key,
            direction=step.direction,
            file=step.script.path,
            hint="leave COMMIT and ROLLBACK to asyncmig; nested transaction() blocks are fine. "
            f"What it did before its COMMIT may be in the database: look, then `asyncmig repair "
            f"--mark {step.key}` or `--forget {step.key}`",
        )


async def _tidy(desk: Desk, step: Step, before: Belongings | None) -> None:
    """Undo what the file left on the connection, and be ourselves again for the last row."""
    try:
        if before is None:
            await desk.wire.execute(f"{TIDY} {desk.server.settings}")
        else:
            await desk.wire.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await give_back(desk.wire, before)
    except ServerError as error:
        raise server_failed(step, error) from error


async def _commit(desk: Desk, transaction: Transaction, step: Step, entry: HistoryEntry) -> None:
    """Send COMMIT and wait for the answer, also when this task is being cancelled.

    A connection that is lost here leaves both outcomes possible. So a new one is opened, the lock
    is taken again, and the row is looked for: nothing is guessed.
    """
    try:
        await transaction.commit()
    except ServerError as error:
        await transaction.roll_back()
        raise server_failed(step, error) from error
    except ConnectionLostError as error:
        if not await desk.is_committed(entry):
            message = (
                f"the connection was lost in COMMIT; migration {step.key} was looked up "
                "afterwards and is not applied"
            )
            raise DatabaseUnavailableError(message, hint="run again") from error


async def edit_history(desk: Desk, edit: Edit, planned: Generation) -> HistoryEntry:
    """Change the history alone, under the fence."""
    entry_id = planned.newest_id + 1
    transaction = desk.wire.transaction()
    await transaction.begin()
    try:
        await _enter(desk, planned, "SET LOCAL statement_timeout = 0;")
        await desk.book.write(edit, entry_id)
        entry = await desk.book.entry(entry_id)
    except BaseException:
        await transaction.roll_back()
        raise
    await transaction.commit()
    assert entry is not None  # noqa: S101 - it was appended above
    return entry


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
    transaction = desk.wire.transaction()
    await transaction.begin()
    try:
        await desk.enter_fence()
        await desk.wire.execute(desk.ourselves)
        entry_id = (await desk.history()).generation.newest_id + 1
        await desk.book.append(row, entry_id)
        await desk.book.conclude(row.state, entry_id)
    except BaseException:
        await transaction.roll_back()
        raise
    await transaction.commit()
