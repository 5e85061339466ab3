"""``asyncmig wait``: until somebody else has applied everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.status import facts_of_status
from asyncmig.cli.given import Given, as_seconds
from asyncmig.cli.options import add_database_options

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser


def add_options(parser: Parser) -> None:
    """Add how long, and the database."""
    parser.add_argument(
        "--timeout", metavar="TIME", help="how long at most: 30s, 5m (default: as long as it takes)"
    )
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Wait until nothing is pending."""
    written = invocation.options.timeout
    limit = (
        None if written in {None, "forever", "none"} else as_seconds(Given(written, "--timeout"))
    )
    report = await invocation.migrator().wait_until_current(limit)
    text = f"{report.database} is at {report.current}, nothing pending"
    return Outcome(facts_of_status(report), "" if invocation.options.quiet else text)


COMMAND = Command(
    description=(
        "Wait until nothing is pending, without applying anything: for the containers beside "
        "the one that migrates. A database that is still starting is waited for as well. Exits "
        "with 3 if something is still pending when the time is up."
    ),
    examples=(
        ("asyncmig wait --timeout 5m && exec uvicorn shop:app", "in an entrypoint"),
        ("asyncmig wait", "as long as it takes"),
    ),
    add_options=add_options,
    work=work,
)
