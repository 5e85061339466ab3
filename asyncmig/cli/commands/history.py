"""``asyncmig history``: everything that was ever done to this database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.options import add_database_options
from asyncmig.cli.output.document import Facts, row_of_history
from asyncmig.cli.output.table import history_table
from asyncmig.history import History
from asyncmig.status import current_version

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation


async def work(invocation: Invocation) -> Outcome:
    """Show every row of the history, oldest first."""
    migrator = invocation.migrator()
    entries = await migrator.history()
    current = current_version(History(entries))
    facts = Facts(
        database=migrator.database,
        current=None if current is None else str(current),
        migrations=tuple(row_of_history(entry) for entry in entries),
    )
    none = f"{migrator.database}: nothing was ever applied here"
    return Outcome(facts, "\n".join(history_table(entries)) if entries else none)


COMMAND = Command(
    description="Show every row of the history, oldest first. Rows are never deleted. Reads only.",
    examples=(
        ("asyncmig history", "who applied what, and when"),
        ("asyncmig history --json | jq '.migrations[-1]'", "the last thing that was done"),
    ),
    add_options=add_database_options,
    work=work,
)
