"""Run a step inside a transaction that commits its history with it.

The order inside matters: fence, compare the history, append the row, and only then the author's
code; tidy up, finish the row, COMMIT as a message of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio

from asyncmig.engines.cleanup import finish, see_through
from asyncmig.engines.locking import pauses
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.running import ready, server_failed
from asyncmig.engines.postgres.settings import TIDY
from asyncmig.engines.postgres.table import quoted
from asyncmig.engines.python_script import run_setup
from asyncmig.errors import DatabaseUnavailableError, MigrationFailedError, TransactionLostError
from asyncmig.history import NewRow, RowState

if TYPE_CHECKING:
    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.connection import Transaction
    from asyncmig.engines.postgres.running import Work
    from asyncmig.engines.postgres.session import PostgresSession
    from asyncmig.history import Edit, Failure, Generation, HistoryEntry
    from asyncmig.plan import Step

_BLOCKED = ("55P03", "40P01")
"""lock_not_available and deadlock_detected: worth another try of the whole transaction."""

_ATTEMPTS = 10
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0


async def apply(
    session: PostgresSession, step: Step, planned: Generation, events: StepEvents
) -> HistoryEntry:
    """Run a step; when it has to wait for a lock too long, roll it all back and try again.

    A savepoint would not do: it would keep the locks that were taken before.
    """
    async with ready(step) as work:
        for attempt, delay in enumerate(pauses(_FIRST_DELAY, _LONGEST_DELAY), start=1):
            try:
                return await _once(session, step, planned, events, work)
            except MigrationFailedError as error:
                if error.sqlstate not in _BLOCKED or attempt == _ATTEMPTS:
                    raise
                events.on_retrying(attempt, delay, error.message)
            await anyio.sleep(delay)
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


async def _once(
    session: PostgresSession,
    step: Step,
    planned: Generation,
    events: StepEvents,
    work: Work,
) -> HistoryEntry:
    entry_id, edit, began = planned.newest_id + 1, step.edit(), time.monotonic()
    transaction = session.wire.transaction()
    await transaction.begin()
    try:
        await _enter(session, planned, session.transaction_settings(step.script))
        xid = await session.book.begin(edit, entry_id)
        events.on_started()
        await run_setup(session.settings.setup, session.wire.raw)
        await work(session.wire)
        await _refuse_lost_transaction(session, step, xid)
        await _tidy(session, step)
        duration_ms = round((time.monotonic() - began) * 1000)
        await session.book.finish(edit, entry_id, duration_ms)
        entry = await session.book.entry(entry_id)
    except BaseException:
        await transaction.roll_back()
        raise
    assert entry is not None  # noqa: S101 - it was appended above
    await _commit(session, transaction, step, entry)
    return entry


async def _enter(session: PostgresSession, planned: Generation, settings: str) -> None:
    """Make sure that this transaction is alone, and that the plan still holds."""
    await session.enter_fence()
    await session.book.check(planned)
    await session.wire.execute(settings)


async def _refuse_lost_transaction(session: PostgresSession, step: Step, xid: str) -> None:
    """Notice when the author's code ended our transaction, although nothing in the file said so.

    What it did before its COMMIT stays, and so does the row in state ``applying``, as a trace.
    """
    ours = session.wire.is_in_transaction
    if ours:
        row = await _ask(session, step, "SELECT pg_catalog.txid_current_if_assigned()::text AS xid")
        ours = row == xid
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


async def _ask(session: PostgresSession, step: Step, question: str) -> str | None:
    """Ask for one text; an aborted transaction means that the code swallowed an error."""
    try:
        row = await session.wire.one(question)
    except ServerError as error:
        raise server_failed(step, error) from error
    return None if row is None or row["xid"] is None else str(row["xid"])


async def _tidy(session: PostgresSession, step: Step) -> None:
    """Undo what the file left on the connection, and be ourselves again for the last row."""
    orders = f"{TIDY} {session.server.settings}"
    if session.wire.lent:
        before = session.role_before
        role = "NONE" if before == "none" else quoted(before)
        orders = "SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; "
        orders += f"SET ROLE {role};"
    try:
        await session.wire.execute(orders)
    except ServerError as error:
        raise server_failed(step, error) from error


async def _commit(
    session: PostgresSession, transaction: Transaction, step: Step, entry: HistoryEntry
) -> None:
    """Send COMMIT and wait for the answer, also when this task is being cancelled.

    A connection that is lost here leaves both outcomes possible. So a new one is opened, the lock
    is taken again, and the row is looked for: nothing is guessed.
    """
    try:
        await see_through(transaction.commit())
    except ServerError as error:
        await transaction.roll_back()
        raise server_failed(step, error) from error
    except (ConnectionLostError, TimeoutError) as error:
        await session.reopen()
        found = await session.book.entry(entry.id)
        if found is None or (found.run_id, found.state) != (entry.run_id, entry.state):
            message = (
                f"the connection was lost in COMMIT; migration {step.key} was looked up "
                "afterwards and is not applied"
            )
            raise DatabaseUnavailableError(message, hint="run again") from error


async def edit_history(session: PostgresSession, edit: Edit, planned: Generation) -> HistoryEntry:
    """Change the history alone, under the fence."""
    entry_id = planned.newest_id + 1
    transaction = session.wire.transaction()
    await transaction.begin()
    try:
        await _enter(session, planned, "SET LOCAL statement_timeout = 0;")
        await session.book.write(edit, entry_id)
        entry = await session.book.entry(entry_id)
    except BaseException:
        await transaction.roll_back()
        raise
    await see_through(transaction.commit())
    assert entry is not None  # noqa: S101 - it was appended above
    return entry


async def record_failure(session: PostgresSession, step: Step, failure: Failure) -> None:
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
    transaction = session.wire.transaction()
    await transaction.begin()
    try:
        if await session.lock_key.fence(session.wire):
            history = await session.history()
            entry_id = history.generation.newest_id + 1
            await session.book.append(row, entry_id)
            await session.book.conclude(row.state, entry_id, 0)
    except BaseException:
        await transaction.roll_back()
        raise
    await finish(transaction.commit())
