"""What batches are on every database: the loop, what is noted of each, and where to go on.

An engine brings what a batch is there: a transaction that holds its work and its progress.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio

from asyncmig.batching import Forecast, Pace, is_worth_telling, never_ends
from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import IncompleteMigrationError, InvalidMigrationError, MigrationFailedError
from asyncmig.history import Batches, Progress, RowState
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncmig.engines.base import StepEvents
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import Batching
    from asyncmig.plan import Step

NOTHING = "null"
"""The cursor in front of the first batch, and behind the last one."""

EVERYTHING = 1_000_000_000
"""Rows: a batch for all there is. It fits into an integer, also in sums."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch came to.

    Attributes:
        is_last: Whether there is nothing left to do.
        rows: How many rows it has changed; ``None`` where nobody knows.
        cursor: What the next one goes on behind, as JSON.
    """

    is_last: bool
    rows: int | None = None
    cursor: str = NOTHING

    def progress(self, before: Progress, *, size: int, seconds: float) -> Progress:
        """Return the progress with this batch in it. The last one has mostly found nothing."""
        sofar = before.batches or Batches()
        rows = sofar.rows if self.rows is None else (sofar.rows or 0) + self.rows
        spent_ms = sofar.spent_ms + round(seconds * 1000)
        if self.is_last:
            done = tuple(filter(None, (before.started,)))
            return Progress(done, None, replace(sofar, rows=rows, spent_ms=spent_ms))
        batches = Batches(sofar.count + 1, rows, self.cursor, size, spent_ms)
        return Progress((), before.started, batches)


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that is committed.

    Attributes:
        entry: The row of the migration, as committed.
        outcome: What the batch came to.
        seconds: How long it took, the tries that were rolled back left out.
    """

    entry: HistoryEntry
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Table:
    """What the database reckons before the first batch; ``None`` where it does not.

    Attributes:
        expected: How many rows there are to change.
        known: How many rows the tables of the statement have.
    """

    expected: int | None = None
    known: int | None = None


async def in_batches(
    step: Step,
    batching: Batching,
    *,
    start: Progress,
    table: Table,
    take: Callable[[int], Awaitable[Taken]],
    rest: Callable[[Callable[[str], None]], Awaitable[None]],
    events: StepEvents,
) -> HistoryEntry:
    """Take one batch after the other until nothing is left.

    Args:
        step: What is run.
        batching: What its author asked for.
        start: How far earlier runs got.
        table: What the database reckons.
        take: Runs and commits a batch for so many rows.
        rest: Waits until the next batch may begin, and says what it waits for.
        events: Told of the progress.

    Raises:
        MigrationFailedError: It failed, or goes on for ever.
    """
    pace = Pace.of(batching, start.batches.size if start.batches else 0)
    teller = _Teller(events, table)
    while True:
        taken = await take(pace.size)
        if taken.outcome.is_last:
            return taken.entry
        pace = pace.after(taken.seconds)
        teller.add(taken)
        if never_ends(teller.rows, table.known, batching):
            raise _endless(step, teller.rows, table.known)
        await rest(teller.tell)


class _Teller:
    """Tells how far a run of batches is, and counts its rows."""

    def __init__(self, events: StepEvents, table: Table) -> None:
        self._events = events
        self._table = table
        self._began = time.monotonic()
        self._told: float | None = None
        self._batches = Batches()
        self.rows = 0

    def add(self, taken: Taken) -> None:
        """Count a batch."""
        self.rows += taken.outcome.rows or 0
        progress = taken.entry.progress
        self._batches = (progress and progress.batches) or self._batches
        self.tell()

    def tell(self, waits_for: str = "") -> None:
        """Tell how far it is, if it is time to."""
        seconds = time.monotonic() - self._began
        if is_worth_telling(seconds, self._told):
            self._told = seconds
            forecast = Forecast(self.rows, seconds, self._table.expected, waits_for)
            self._events.on_progress(self._batches, forecast)


def resumable(step: Step, checksum: str, found: HistoryEntry | None) -> Progress:
    """Return how far earlier runs got, to go on from there.

    Args:
        step: What is run.
        checksum: Of what is run again and again.
        found: The row that the step resumes, read under the fence that it will be written under:
            where the lock ends with each transaction, another runner may have gone on since the
            plan was made, and its batches must not be done again.

    Raises:
        HistoryMovedError: Nobody can tell any more how far they got.
        IncompleteMigrationError: What they ran was another thing.
    """
    before = Progress() if found is None else found.progress
    if before is None:
        raise HistoryMovedError
    sofar = before.batches
    if sofar is None and (before.done or before.started):
        detail = "it ran statement by statement, and the file no longer does"
        raise IncompleteMigrationError([step.key], detail=detail)
    if sofar is None or sofar.count == 0:
        return Progress((), checksum, Batches())
    if before.started not in {None, checksum}:  # a person has accepted the text if it is None
        raise _changed(step, sofar)
    return replace(before, started=checksum)


def goes_on(entry: HistoryEntry, step: Step, checksum: str) -> bool:
    """Tell whether a row is still that of a migration in batches which this step runs."""
    return (
        entry.state is RowState.APPLYING
        and entry.checksum == step.checksum
        and entry.progress is not None
        and entry.progress.started == checksum
    )


async def pause(seconds: float) -> None:
    """Let the others have their turn. A cancellation arrives here, also when it takes no time."""
    await anyio.sleep(seconds)


# --- Python -----------------------------------------------------------------------------------


def cursor_of(before: Progress) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return the cursor that a function goes on behind."""
    return json.loads(before.batches.cursor if before.batches else NOTHING)


def outcome_of(step: Step, before: Progress, returned: object) -> Outcome:
    """Return what a call of a function came to, by what it returned.

    Raises:
        MigrationFailedError: That cannot be written down, or is what it was given.
    """
    try:
        cursor = json.dumps(returned, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _failed(
            step,
            f"`{type(returned).__name__}` is no cursor: {error}",
            "return what JSON can hold: a number, a string, a list of them; "
            "for a time or an identifier its text",
        ) from error
    if cursor != NOTHING and before.batches is not None and cursor == before.batches.cursor:
        what = f"it returned the cursor that it was given, {cursor}, so it would never end"
        raise _failed(step, what, "return the cursor of the last row, and None when there is none")
    return Outcome(cursor == NOTHING, cursor=cursor)


def refuse_batches(step: Step) -> None:
    """Refuse to write as a script what has to be run again and again.

    Raises:
        InvalidMigrationError: The step runs in batches.
    """
    if step.script.batching is None:
        return
    path = step.script.path
    message = f"migration {step.key} runs in batches and cannot be written as a script: {path}"
    hint = "run it with `asyncmig up --to`, and make scripts for what is before and after"
    raise InvalidMigrationError(message, hint=hint, version=step.key, file=path)


# --- what goes wrong --------------------------------------------------------------------------


def _endless(step: Step, rows: int, known: int | None) -> MigrationFailedError:
    return _failed(
        step,
        f"it has changed {rows} rows, and its tables had {known}: it goes round and round",
        "let its WHERE leave out what is done, such as `WHERE new_column IS NULL`",
    )


def _failed(step: Step, why: str, hint: str) -> MigrationFailedError:
    path = step.script.path
    return MigrationFailedError(
        f"migration {step.key} failed ({path}): {why}",
        version=step.key,
        direction=step.direction,
        file=path,
        hint=hint,
    )


def _changed(step: Step, sofar: Batches) -> IncompleteMigrationError:
    batches = "1 batch is" if sofar.count == 1 else f"{sofar.count} batches are"
    detail = f"{batches} done, and what they ran has been changed since"
    if step.direction is Direction.DOWN:
        hint = "restore the file, and `asyncmig down` goes on"
    else:
        hint = (
            "restore the file, and `asyncmig up` goes on; or say what to do with the new text: "
            f"`asyncmig repair --accept {step.key}` to go on with it behind the last batch, "
            f"`asyncmig repair --forget {step.key}` to begin anew"
        )
    return IncompleteMigrationError([step.key], detail=detail, hint=hint)
