"""Write a plan as a script that a person can review and run with psql.

It stops at the first error, takes the same lock, and asserts inside each transaction that the
history is still the one that was planned from: running it twice fails before it does anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.engines.batching import refuse_batches
from asyncmig.engines.long_script import sql_of
from asyncmig.engines.postgres.bookkeeping import SINCE_STARTED, closing, opening
from asyncmig.engines.postgres.concurrently import is_concurrent
from asyncmig.engines.postgres.limits import limits_of
from asyncmig.engines.postgres.resume import (
    keeps_state,
    progress_of,
    refuse_progress,
    units_left,
)
from asyncmig.engines.postgres.server import Server
from asyncmig.engines.postgres.settings import (
    OURSELVES,
    TIDY,
    stepwise_settings,
    transaction_settings,
)
from asyncmig.engines.postgres.table import literal
from asyncmig.engines.postgres.unhurried import unhurried
from asyncmig.engines.rows import progress_text
from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.history import Generation, Progress
from asyncmig.migration import PythonScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.engines.base import Runner
    from asyncmig.engines.postgres.limits import StepLimits
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.plan import Plan, Step
    from asyncmig.sql import Statement

_HEAD = r"""\set ON_ERROR_STOP on
\encoding UTF8
\unset DBNAME
\unset HOST
\unset PORT
\unset USER
"""
"""Variables of psql are unset, because it would put them into the SQL (``a[1:USER]``)."""

_ENCODING = "SET client_encoding = 'UTF8';\n"
"""RESET ALL gave it back to the database's own."""

_ANY_SERVER = Server(0, pooled=False)
"""What a script is written for."""


def psql_script(plan: Plan, runner: Runner, table: HistoryTable, settings: EngineSettings) -> str:
    """Return the script.

    Raises:
        InvalidMigrationError: The plan has a step that is not SQL.
    """
    writer = _Writer(runner, table, settings)
    parts = [_HEAD, writer.lock(), writer.trust()]
    if plan.generation.newest_id == 0:
        parts.append(writer.table())
    generation = plan.generation
    for step in plan.steps:
        parts.append(writer.step(step, generation))
        generation = _after(generation, step)
    return "\n".join(parts)


def _after(generation: Generation, step: Step) -> Generation:
    if step.resumes is not None:
        return replace(generation, unfinished=generation.unfinished - 1)
    return replace(generation, newest_id=generation.newest_id + 1)


class _Writer:
    """Writes the parts of one script."""

    def __init__(self, runner: Runner, table: HistoryTable, settings: EngineSettings) -> None:
        self._runner = runner
        self._table = table
        self._settings = settings

    def lock(self) -> str:
        """Take the lock for the session, or stop.

        Waiting inside the server would deadlock with ``CREATE INDEX CONCURRENTLY`` of the holder.
        """
        granted = f"pg_catalog.pg_try_advisory_lock({self._table.lock_key})"
        return _refuse_unless(granted, "another runner holds the lock; try again later")

    def trust(self) -> str:
        """Stop a superuser in front of a table that would run somebody else's code."""
        stranger = f"EXISTS (SELECT 1 FROM ({self._table.owner}) o (name, stranger) WHERE stranger)"
        message = "the history table belongs to somebody whom a superuser must not trust"
        return _refuse_unless(f"NOT {stranger}", message)

    def table(self) -> str:
        """Create the history table, under the lock."""
        return f"{self._table.create_if_absent};\n"

    def step(self, step: Step, generation: Generation) -> str:
        """Write one step."""
        if isinstance(step.script, PythonScript):
            message = f"migration {step.key} is written in Python and cannot be written as a script"
            hint = "apply it with `asyncmig up`"
            raise InvalidMigrationError(message, hint=hint, version=step.key, file=step.script.path)
        refuse_batches(step)
        prepared = prepare(sql_of(step.script), Dialect.POSTGRESQL, step.key)
        title = f"-- migration {step.key} {step.name}, {step.direction}: {step.script.path}\n"
        write = self._in_transaction if step.script.transaction else self._unit_by_unit
        return title + "".join(write(step, prepared, generation))

    def _in_transaction(
        self, step: Step, prepared: Prepared, generation: Generation
    ) -> Iterator[str]:
        refuse_progress(step)
        entry_id = _entry_id(step, generation)
        yield self._begin(generation)
        yield from self._open(step, entry_id, None)
        yield transaction_settings(self._settings, step.script, _ANY_SERVER, {}) + "\n"
        yield _text([s for unit in prepared.units for s in unit.statements])
        yield f"{TIDY}\n{_ENCODING}"
        yield from self._close(step, entry_id)
        yield "COMMIT;\n"

    def _unit_by_unit(
        self, step: Step, prepared: Prepared, generation: Generation
    ) -> Iterator[str]:
        entry_id, progress = _entry_id(step, generation), progress_of(step)
        left, limits = units_left(step, prepared.units), limits_of(self._settings, step.script)
        _refuse_doubt(step, progress)
        yield self._begin(generation)
        yield from self._open(step, entry_id, progress)
        yield f"COMMIT;\n{stepwise_settings(self._settings, step.script, 0)}\n"
        done = prepared.units[: len(progress.done)]
        yield _text([s for unit in done for s in unit.statements if keeps_state(s)])
        for unit in left:
            yield from self._unit(unit, progress, entry_id, limits)
            progress = Progress((*progress.done, unit.checksum))
        yield f"BEGIN;\n{TIDY}\n{_ENCODING}"
        yield from self._close(step, entry_id)
        yield "COMMIT;\n"

    def _unit(
        self, unit: Unit, progress: Progress, entry_id: int, limits: StepLimits
    ) -> Iterator[str]:
        done = self._note(Progress((*progress.done, unit.checksum)), entry_id)
        if unit.autocommit:
            yield f"BEGIN;\n{self._note(replace(progress, started=unit.checksum), entry_id)}COMMIT;"
            (statement,) = unit.statements
            begin, end = unhurried(limits, concurrent=is_concurrent(statement))
            yield f"\n{_quietly(begin)}{_text([statement])}{_quietly(end)}BEGIN;\n{done}COMMIT;\n"
        else:
            yield f"BEGIN;\n{_text(unit.statements)}{done}COMMIT;\n"

    def _begin(self, generation: Generation) -> str:
        """Open a transaction that has the fence and finds the history as it was planned from."""
        fence = f"pg_catalog.pg_try_advisory_xact_lock({self._table.lock_key})"
        same = self._table.is_at(generation)
        return (
            "BEGIN ISOLATION LEVEL READ COMMITTED;\n"
            + _refuse_unless(fence, "another runner holds the lock; try again later")
            + _refuse_unless(same, "the history has moved since the plan was made; plan again")
        )

    def _open(self, step: Step, entry_id: int, progress: Progress | None) -> Iterator[str]:
        for statement in opening(self._table, self._runner, step, entry_id, progress):
            yield statement + ";\n"

    def _close(self, step: Step, entry_id: int) -> Iterator[str]:
        for statement in closing(self._table, step, entry_id, SINCE_STARTED):
            yield statement + ";\n"

    def _note(self, progress: Progress, entry_id: int) -> str:
        return f"{OURSELVES}\n{self._table.note(entry_id, progress_text(progress))};\n"


def _entry_id(step: Step, generation: Generation) -> int:
    return generation.newest_id + 1 if step.resumes is None else step.resumes.id


def _refuse_doubt(step: Step, progress: Progress) -> None:
    """Refuse to go on with a statement that may have been done: a script cannot look first."""
    if progress.started is not None:
        message = f"migration {step.key} stopped inside a statement that may have been done"
        hint = "let `asyncmig up` finish it: it looks into the catalogue first"
        raise InvalidMigrationError(message, hint=hint, version=step.key, file=step.script.path)


def _refuse_unless(condition: str, message: str) -> str:
    """Return a statement that stops the script with a sentence unless the condition holds."""
    return (
        "DO $asyncmig$ BEGIN\n"
        f"    IF NOT {condition} THEN RAISE EXCEPTION {literal(message)}; END IF;\n"
        "END $asyncmig$;\n"
    )


def _quietly(query: str) -> str:
    """Return a query so that psql does not print its rows."""
    return f"DO $asyncmig$ BEGIN {query.replace('SELECT', 'PERFORM', 1)}; END $asyncmig$;\n"


def _text(statements: Sequence[Statement]) -> str:
    """Return the author's SQL as it was written, each statement ended."""
    ended = (s.text if s.text.endswith(";") else s.text + "\n;" for s in statements)
    return "".join(ended).lstrip("\n") + "\n"
