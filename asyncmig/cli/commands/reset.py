"""``asyncmig reset``: revert everything and apply it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Logging
from asyncmig.cli.confirmation import confirm
from asyncmig.cli.options import add_database_options, add_yes_option
from asyncmig.cli.output.table import steps_table
from asyncmig.cli.runs import follow, outcome_of
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation, Outcome
    from asyncmig.cli.parser import Parser
    from asyncmig.report import RunReport


def add_options(parser: Parser) -> None:
    """Add the answer, and the database."""
    add_yes_option(parser)
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Revert everything, then apply everything."""
    migrator = invocation.migrator()
    plan = await migrator.plan(Direction.DOWN, to="0")
    reports: list[RunReport] = []
    if plan.steps:
        shown = "\n".join(steps_table(plan.steps))
        confirm(invocation, shown, f"Revert everything in {plan.database} and apply it again?")
        reports.append(await follow(invocation, migrator, migrator.down(to="0")))
    reports.append(await follow(invocation, migrator, migrator.up()))
    return outcome_of(invocation, *reports)


COMMAND = Command(
    description=(
        "Revert every applied migration, then apply them all: an empty database again, for "
        "development. It asks first on a terminal and needs --yes elsewhere. All the data that "
        "the way down drops is lost."
    ),
    examples=(
        ("asyncmig reset", "begin again"),
        ("asyncmig reset --yes --database sqlite:///test.db", "in a script"),
    ),
    add_options=add_options,
    work=work,
    logs=Logging.LOCK,
)
