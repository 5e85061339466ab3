"""``asyncmig baseline``: declare an existing database to be at a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.options import add_database_options
from asyncmig.cli.output.document import Facts, row_of_entry

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.report import RepairReport


def add_options(parser: Parser) -> None:
    """Add the version, and the database."""
    parser.add_argument("version", metavar="VERSION", help="a version that has a file, or `latest`")
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Declare everything up to a version to be in the database."""
    report = await invocation.migrator().baseline(invocation.options.version)
    text = f"{report.database}: {report.description}"
    return Outcome(facts_of_repair(report), "" if invocation.options.quiet else text)


def facts_of_repair(report: RepairReport) -> Facts:
    """Return what a document says of a change of the history."""
    entry = report.entry
    return Facts(
        database=report.database,
        migrations=() if entry is None else (row_of_entry(entry),),
        more={"description": report.description, "changed": entry is not None},
    )


COMMAND = Command(
    description=(
        "Declare that everything up to a version is in the database already, and run nothing: "
        "the first step when an existing database comes under asyncmig."
    ),
    examples=(
        ("asyncmig baseline 20260822090000", "the newer ones are pending from then on"),
        ("asyncmig baseline latest", "all of them are there"),
    ),
    add_options=add_options,
    work=work,
)
