"""``asyncmig verify``: compare the files with what was applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.status import facts_of_status
from asyncmig.cli.options import add_database_options
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.cli.output.table import advice, status_table

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.output.console import Stream
    from asyncmig.report import StatusReport


async def work(invocation: Invocation) -> Outcome:
    """Compare the files with what was applied."""
    report = await invocation.migrator().verify()
    code = ExitCode.FOUND if report.problems else ExitCode.DONE
    return Outcome(facts_of_status(report), _text(report, invocation.console.out), code)


def _text(report: StatusReport, stream: Stream) -> str:
    wrong = [status for status in report.migrations if status.problems]
    number = len(report.migrations)
    if not wrong:
        return f"{report.database}: files and history agree ({number} migrations)"
    sentence = f"{report.database}: {len(wrong)} of {number} migrations disagree"
    return "\n".join([*status_table(wrong, stream), "", sentence, *advice(wrong)])


COMMAND = Command(
    description=(
        "Compare the files with what was applied: edited, missing and late files, and "
        "migrations that stopped in the middle. Reads only. Exits with 3 if it finds something."
    ),
    examples=(
        ("asyncmig verify", "before a deployment"),
        ("asyncmig verify --json", "for a program"),
    ),
    add_options=add_database_options,
    work=work,
)
