"""``asyncmig up``: apply what is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Logging
from asyncmig.cli.options import (
    add_baseline_option,
    add_database_options,
    add_phase_option,
    add_target_options,
)
from asyncmig.cli.runs import follow, outcome_of

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation, Outcome
    from asyncmig.cli.parser import Parser


def add_options(parser: Parser) -> None:
    """Add how far to go."""
    add_target_options(
        parser, to="the last version to apply", steps="how many to apply at most (default: all)"
    )
    add_phase_option(parser)
    parser.add_argument(
        "--single-transaction",
        action="store_true",
        default=None,
        help="apply everything or nothing: all of it in one transaction",
    )
    add_baseline_option(parser)
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Apply what is pending."""
    options, migrator = invocation.options, invocation.migrator()
    run = migrator.up(to=options.to, steps=options.steps, phase=options.phase)
    return outcome_of(invocation, await follow(invocation, migrator, run))


COMMAND = Command(
    description=(
        "Apply the pending migrations in version order, then the repeatable ones that changed. "
        "Each one is committed together with its history, or leaves nothing behind. Any number "
        "of runners may start at once: one works, the others wait, and all of them succeed."
    ),
    examples=(
        ("asyncmig up", "apply everything"),
        ("asyncmig up --to 20260822090000", "stop after that version"),
        ("asyncmig up --steps 1", "apply the next one only"),
        ("asyncmig up --single-transaction", "everything or nothing: a fresh database, a test"),
        ("asyncmig up --phase post", "when the new code is everywhere"),
        ("asyncmig up --baseline latest", "a database that has tables, all of them of the files"),
        ("asyncmig up --wait-timeout 5m --json", "in a deployment"),
        ("asyncmig up --database sqlite:///shop.db --source package:shop.migrations", "elsewhere"),
    ),
    add_options=add_options,
    work=work,
    logs=Logging.LOCK,
)
