"""The plan as a script for the sqlite3 shell, for a person to read and run.

It says about the history what a run would, and asserts in each transaction that the history is
the one that it was made from: run twice, or too late, it stops before it has changed anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.batching import refuse_batches
from asyncmig.engines.long_script import sql_of
from asyncmig.engines.sqlite.connection import is_complete
from asyncmig.engines.sqlite.resume import keeps_state, runs_alone, units_left
from asyncmig.engines.sqlite.row import RowOfStep
from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.history import Progress
from asyncmig.migration import PythonScript
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.engines.base import Runner
    from asyncmig.engines.sqlite.table import Command, Table
    from asyncmig.engines.statements import Prepared, Unit
    from asyncmig.history import Generation
    from asyncmig.plan import Plan, Step
    from asyncmig.sql import Statement

_HEADER = """\
-- Made by asyncmig {version} for the sqlite3 shell: sqlite3 -bail DATABASE < THIS_FILE
-- It stops at the first error, and leaves nothing of the migration that failed.
.bail on
.timeout 30000
CREATE TEMP TABLE asyncmig_check (
  history INTEGER CONSTRAINT "the history is not the one that this script was made from" \
CHECK (history),
  keys INTEGER CONSTRAINT "the migration has left rows without their parents" CHECK (keys)
);"""

_KEYS_OFF = """\
PRAGMA foreign_keys = OFF;
CREATE TEMP TABLE asyncmig_violations AS
  SELECT "table", rowid AS row, parent FROM pragma_foreign_key_check;"""

_CHECK_KEYS = """\
INSERT INTO temp.asyncmig_check (keys)
  SELECT count(*) = 0 FROM (
    SELECT "table", rowid AS row, parent FROM pragma_foreign_key_check
    EXCEPT SELECT * FROM temp.asyncmig_violations
  );"""

_FORGET_KEYS = "DROP TABLE temp.asyncmig_violations;"


def script_of(plan: Plan, runner: Runner, table: Table) -> str:
    """Return the plan as a script.

    Raises:
        InvalidMigrationError: The plan has a step that is not SQL.
    """
    _refuse_python(plan.steps)
    for step in plan.steps:
        refuse_batches(step)
    return "\n".join(_lines(plan, runner, table)) + "\n"


def _refuse_python(steps: Sequence[Step]) -> None:
    python = [step for step in steps if isinstance(step.script, PythonScript)]
    if python:
        names = ", ".join(step.script.path for step in python)
        message = f"a script for the sqlite3 shell cannot hold Python: {names}"
        hint = "run these with `asyncmig up --to`, and make scripts for what is before and after"
        first = python[0]
        raise InvalidMigrationError(message, hint=hint, version=first.key, file=first.script.path)


def _lines(plan: Plan, runner: Runner, table: Table) -> Iterator[str]:
    yield _HEADER.format(version=runner.tool_version)
    yield from _transaction(table.create())
    planned = plan.generation
    for step in plan.steps:
        assert not isinstance(step.script, PythonScript)  # noqa: S101 - they were refused above
        row = RowOfStep(step, planned, table, runner)
        prepared = prepare(sql_of(step.script), Dialect.SQLITE, step.key)
        yield f"\n-- {step.direction} {step.key} {' '.join(step.name.split())}"
        yield from (_at_once if step.script.transaction else _step_by_step)(row, prepared)
        planned = row.closed


def _at_once(row: RowOfStep, prepared: Prepared) -> Iterator[str]:
    if not prepared.foreign_keys:
        yield _KEYS_OFF
    yield "BEGIN IMMEDIATE;"
    yield _assertion(row.table, row.planned)
    yield from _commands(row.opening())
    for unit in prepared.units:
        yield from map(_terminated, unit.statements)
    if not prepared.foreign_keys:
        yield _CHECK_KEYS
    yield from _commands(row.closing())
    yield "COMMIT;"
    if not prepared.foreign_keys:
        yield _FORGET_KEYS


def _step_by_step(row: RowOfStep, prepared: Prepared) -> Iterator[str]:
    units = prepared.units
    first = len(units) - units_left(units, row.step)
    done = tuple(unit.checksum for unit in units)
    yield from _transaction(row.opening(Progress(done[:first])), _assertion(row.table, row.planned))
    if not prepared.foreign_keys:
        yield _KEYS_OFF
    for unit in units[:first]:
        yield from (_terminated(s) for s in unit.statements if keeps_state(s))
    for number in range(first, len(units)):
        unit = units[number]
        note = row.noting(Progress(done[: number + 1]))
        if runs_alone(unit):
            yield from _alone(unit, row.noting(Progress(done[:number], done[number])), note)
        else:
            yield from _together(unit, _assertion(row.table, row.opened), note)
    if not prepared.foreign_keys:
        yield f"{_CHECK_KEYS}\n{_FORGET_KEYS}"
    yield from _transaction(row.closing(), _assertion(row.table, row.opened))


def _together(unit: Unit, assertion: str, note: Command) -> Iterator[str]:
    yield "BEGIN IMMEDIATE;"
    yield assertion
    yield from map(_terminated, unit.statements)
    yield from _commands((note,))
    yield "COMMIT;"


def _alone(unit: Unit, started: Command, done: Command) -> Iterator[str]:
    yield from _commands((started,))
    yield from map(_terminated, unit.statements)
    yield from _commands((done,))


def _transaction(commands: Sequence[Command], assertion: str | None = None) -> Iterator[str]:
    yield "BEGIN IMMEDIATE;"
    if assertion is not None:
        yield assertion
    yield from _commands(commands)
    yield "COMMIT;"


def _commands(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        yield f"{command.literal};"


def _assertion(table: Table, generation: Generation) -> str:
    """Return what stops the shell with a sentence when the history is another one."""
    return (
        "INSERT INTO temp.asyncmig_check (history)\n"
        f"  SELECT (newest, unfinished) = ({generation.newest_id}, {generation.unfinished})\n"
        f"  FROM ({table.generation});"
    )


def _terminated(statement: Statement) -> str:
    """Return the statement as written, with a semicolon that no comment can hide."""
    text = statement.text.strip("\n")
    for ending in ("", "\n;", "*/\n;"):
        if is_complete(text + ending):
            return text + ending
    return f"{text}\n;"
