"""What can be typed: a command, its options, and what we say to what we do not know.

A command has a parser of its own, and only the parser of the command that was typed is built.
Nothing here imports a driver, structlog or asyncio: the help must come at once.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from asyncmig.cli.commands import ALIASES, ENTRIES, HABITS
from asyncmig.cli.errors import UsageError
from asyncmig.cli.nearest import nearest
from asyncmig.cli.options import add_output_options
from asyncmig.cli.parser import WIDTH, Formatter, Parser
from asyncmig.cli.secrets import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.cli.command import Command


def build_parser(name: str, command: Command) -> Parser:
    """Return the parser of a command."""
    takes = next(entry.takes for entry in ENTRIES if entry.name == name)
    usage = " ".join(filter(None, (f"asyncmig {name}", takes, "[options]")))
    parser = Parser(
        prog=f"asyncmig {name}",
        usage=usage,
        description=textwrap.fill(command.description, WIDTH),
        epilog=_examples(command.examples),
        formatter_class=Formatter,
        add_help=False,
        allow_abbrev=False,
    )
    command.add_options(parser)
    add_output_options(parser)
    return parser


def _examples(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the end of a help text: each example below what it is for."""
    return "examples:\n" + "\n".join(f"  # {purpose}\n  {line}" for line, purpose in pairs)


def find_command(word: str) -> str:
    """Return the name of the command that was typed.

    Raises:
        UsageError: There is none; names the one that was probably meant.
    """
    names = [entry.name for entry in ENTRIES]
    if word in names:
        return word
    if word in ALIASES:
        return ALIASES[word]
    if word.startswith("-"):
        raise UsageError(
            f"the command comes first: asyncmig COMMAND {word.partition('=')[0]} …",
            hint="`asyncmig --help` lists the commands",
        )
    meant = HABITS.get(word.lower()) or nearest(word.lower(), [*names, *ALIASES])
    raise UsageError(
        f"there is no command {redacted(word)!r}",
        hint=f"did you mean `asyncmig {meant}`?" if meant else "`asyncmig --help` lists them",
    )
