"""``asyncmig down``: revert what is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Logging
from asyncmig.cli.confirmation import confirm
from asyncmig.cli.options import add_database_options, add_target_options, add_yes_option
from asyncmig.cli.output.table import steps_table
from asyncmig.cli.runs import follow, outcome_of
from asyncmig.migration import Direction, SqlScript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.cli.command import Invocation, Outcome
    from asyncmig.cli.parser import Parser
    from asyncmig.plan import Step
    from asyncmig.report import PlanReport


def add_options(parser: Parser) -> None:
    """Add how far to go, and what may be run."""
    add_target_options(
        parser,
        to="the version that stays applied; 0 reverts everything",
        steps="how many to revert at most (default: 1)",
    )
    parser.add_argument(
        "--from-history",
        action="store_true",
        help="run the SQL stored in the database for versions that have no file here",
    )
    add_yes_option(parser)
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Revert the newest migration, or those above a version."""
    options, migrator = invocation.options, invocation.migrator()
    if options.from_history or options.to is not None or (options.steps or 1) > 1:
        plan = await migrator.plan(
            Direction.DOWN, to=options.to, steps=options.steps, from_history=options.from_history
        )
        confirm_reversal(invocation, plan)
    run = migrator.down(to=options.to, steps=options.steps, from_history=options.from_history)
    return outcome_of(invocation, await follow(invocation, migrator, run))


def confirm_reversal(invocation: Invocation, plan: PlanReport) -> None:
    """Ask before more than one migration is reverted, or SQL is run that no file has.

    Raises:
        NotConfirmedError: The answer was not yes.
    """
    files = {status.key for status in plan.migrations if status.path}
    stored = [step for step in plan.steps if step.key not in files]
    number = len(plan.steps)
    if number > 1 or stored:
        shown = "\n".join([*_stored_sql(stored), *steps_table(plan.steps)])
        what = f"{number} migrations" if number > 1 else f"migration {stored[0].key}"
        confirm(invocation, shown, f"Revert {what} in {plan.database}?")


def _stored_sql(steps: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        if isinstance(step.script, SqlScript):
            lines += [f"-- {step.key} {step.name}, as stored in the history:"]
            lines += [step.script.text.strip("\n"), ""]
    return lines


COMMAND = Command(
    description=(
        "Revert the newest applied migration, or several. More than one asks first on a "
        "terminal and needs --yes elsewhere. Each one is committed together with its history."
    ),
    examples=(
        ("asyncmig down", "revert the newest one"),
        ("asyncmig down --steps 3", "revert the newest three"),
        ("asyncmig down --to 20260822090000 --yes", "that version stays, all above it go"),
        ("asyncmig down --to 0", "revert everything"),
        ("asyncmig down --from-history", "revert what a newer release applied, without its files"),
    ),
    add_options=add_options,
    work=work,
    logs=Logging.LOCK,
)
