"""``asyncmig repair``: write into the history what a person found to be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.baseline import facts_of_repair
from asyncmig.cli.confirmation import confirm
from asyncmig.cli.options import add_database_options, add_yes_option

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser


def add_options(parser: Parser) -> None:
    """Add the three decisions."""
    decision = parser.add_mutually_exclusive_group(required=True)
    for flag, text in (
        ("--accept", "its file was edited, and stands for what was applied as it is now"),
        ("--forget", "nothing of it is in the database"),
        ("--mark", "all of it is in the database"),
    ):
        decision.add_argument(flag, metavar="VERSION", help=text)
    parser.add_argument("--dry-run", action="store_true", help="show it and stop")
    add_yes_option(parser)
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Show what a decision changes, ask, and write it."""
    options, migrator = invocation.options, invocation.migrator()
    decision = {"accept": options.accept, "forget": options.forget, "mark": options.mark}
    report = await migrator.repair(**decision, dry_run=True)
    if not options.dry_run:
        confirm(invocation, f"{report.database}: {report.description}", "Write that down?")
        report = await migrator.repair(**decision)
    text = f"{report.database}: {report.description}"
    return Outcome(facts_of_repair(report), "" if options.quiet else text)


COMMAND = Command(
    description=(
        "Write into the history what you found to be true of one migration. No migration is "
        "run, and no row of the history is lost. It shows what it would write and asks on a "
        "terminal, and needs --yes elsewhere."
    ),
    examples=(
        ("asyncmig repair --accept 20260822090000", "a comment was added to an applied file"),
        ("asyncmig repair --forget 20260822090000", "it stopped in the middle, and was undone"),
        ("asyncmig repair --mark 20260822090000", "it stopped in the middle, and was completed"),
        ("asyncmig repair --mark R__totals --dry-run", "only look"),
    ),
    add_options=add_options,
    work=work,
)
