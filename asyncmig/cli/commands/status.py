"""``asyncmig status``: where each migration stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.options import add_database_options
from asyncmig.cli.output.document import Facts, row_of_status
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.cli.output.table import advice, postponed, status_table

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.output.console import Stream
    from asyncmig.cli.parser import Parser
    from asyncmig.report import StatusReport


def add_options(parser: Parser) -> None:
    """Add the check, and the database."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 3 if anything is pending or wrong",
    )
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Show where each migration stands."""
    report = await invocation.migrator().status()
    found = bool(report.pending or report.problems)
    code = ExitCode.FOUND if found and invocation.options.check else ExitCode.DONE
    return Outcome(facts_of_status(report), _text(report, invocation.console.out), code)


def facts_of_status(report: StatusReport) -> Facts:
    """Return what a document says of a status."""
    return Facts(
        database=report.database,
        current=None if report.current is None else str(report.current),
        pending=len(report.pending),
        migrations=tuple(row_of_status(status) for status in report.migrations),
        more={"postponed": [status.key for status in report.postponed]},
    )


def _text(report: StatusReport, stream: Stream) -> str:
    current = f"at {report.current}" if report.current else "no migration applied"
    pending = len(report.pending)
    left = f"{pending} pending" if pending else "nothing pending"
    lines = status_table(report.migrations, stream)
    lines += ["", f"{report.database}: {current}, {left}"]
    lines += [*postponed(report.postponed), *advice(report.migrations)]
    return "\n".join(lines)


COMMAND = Command(
    description=(
        "Show where each migration stands. Reads only: it creates nothing, takes no lock, and "
        "works while another runner migrates."
    ),
    examples=(
        ("asyncmig status", "a table"),
        ("asyncmig status --check", "in a script: 0 when current, 3 when not"),
        ("asyncmig status --json | jq .pending", "how many are pending"),
    ),
    add_options=add_options,
    work=work,
)
