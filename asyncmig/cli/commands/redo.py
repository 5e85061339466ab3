"""``asyncmig redo``: revert the newest migration and apply it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Logging
from asyncmig.cli.options import add_database_options
from asyncmig.cli.runs import follow, outcome_of

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation, Outcome


async def work(invocation: Invocation) -> Outcome:
    """Revert the newest migration and apply it again, under one lock."""
    migrator = invocation.migrator()
    return outcome_of(invocation, await follow(invocation, migrator, migrator.redo()))


COMMAND = Command(
    description=(
        "Revert the newest applied migration and apply it again, under one lock: for the "
        "migration that you are writing. An edited file is refused; say `--changed warn` to try "
        "your edit."
    ),
    examples=(
        ("asyncmig redo", "does its way down work?"),
        ("asyncmig redo --changed warn", "after editing the file"),
    ),
    add_options=add_database_options,
    work=work,
    logs=Logging.LOCK,
)
