"""``asyncmig plan``: what would run, or the script that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.options import (
    add_baseline_option,
    add_database_options,
    add_phase_option,
    add_target_options,
)
from asyncmig.cli.output.document import Facts, row_of_status
from asyncmig.cli.output.table import advice, postponed, steps_table
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.plan import Step
    from asyncmig.report import PlanReport


def add_options(parser: Parser) -> None:
    """Add the way to go and how far, and what to print."""
    parser.add_argument("--down", action="store_true", help="the way down instead of the way up")
    parser.add_argument(
        "--sql", action="store_true", help="print a script for psql or the sqlite3 shell"
    )
    add_target_options(
        parser,
        to="the last version applied; with --down the one that stays",
        steps="how many at most (default: all; with --down 1)",
    )
    add_phase_option(parser)
    add_baseline_option(parser)
    parser.add_argument(
        "--from-history",
        action="store_true",
        help="with --down: take the SQL stored in the database where there is no file",
    )
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Show what would run."""
    options = invocation.options
    report = await invocation.migrator().plan(
        Direction.DOWN if options.down else Direction.UP,
        to=options.to,
        steps=options.steps,
        from_history=options.from_history,
        phase=options.phase,
        script=options.sql,
    )
    more: dict[str, Any] = {
        "postponed": [s.key for s in report.migrations if s.is_postponed],
        "steps": [_row_of_step(step) for step in report.steps],
    }
    if options.sql:
        more["script"] = report.script
    facts = Facts(
        database=report.database,
        current=None if report.current is None else str(report.current),
        pending=sum(1 for status in report.migrations if status.is_due),
        migrations=tuple(row_of_status(status) for status in report.migrations),
        more=more,
    )
    return Outcome(facts, report.script.rstrip("\n") if options.sql else _text(report))


def _row_of_step(step: Step) -> dict[str, Any]:
    return {
        "version": step.key,
        "name": step.name,
        "direction": step.direction.value,
        "file": step.script.path,
        "transaction": step.script.transaction,
    }


def _text(report: PlanReport) -> str:
    at = f"is at {report.current}" if report.current else "has no migration applied"
    planned = {step.key for step in report.steps}
    lines: list[str] = []
    if report.steps:
        lines += [*steps_table(report.steps), ""]
    number = len(report.steps)
    what = f"{number} would run" if number else "nothing would run"
    lines.append(f"{what}: {report.database} {at}")
    lines += postponed([s for s in report.migrations if s.is_postponed and s.key not in planned])
    return "\n".join([*lines, *advice(report.migrations)])


COMMAND = Command(
    description=(
        "Show what `up` (or `down`) would run, without running it. With --sql, print it as a "
        "script that stops at the first error, takes the same lock, writes the same history and "
        "refuses to run on a database that is not where the plan begins."
    ),
    examples=(
        ("asyncmig plan", "what would `asyncmig up` do?"),
        ("asyncmig plan --sql > release.sql && psql -f release.sql", "have a DBA run it"),
        ("asyncmig plan --sql | sqlite3 shop.db", "on SQLite"),
        ("asyncmig plan --down --to 20260822090000", "what would be reverted?"),
    ),
    add_options=add_options,
    work=work,
)
