"""What can be typed: commands, options, and what we say to what we do not know.

A command has a parser of its own, and only the parser of the command that was typed is built.
Nothing here imports a driver, structlog or asyncio: the help must come at once.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING, NoReturn

from asyncmig.cli.commands import ALIASES, ENTRIES, HABITS
from asyncmig.cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.cli.command import Command

_WIDTH = 88
_REQUIRED = "the following arguments are required: "
_ABOUT = re.compile(r"argument (?P<name>\S+?)(?:/\S+)?: (?P<what>.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """The parser of one command. It raises where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's complaint as one sentence of ours.

        Raises:
            UsageError: Always.
        """
        if message.startswith(_REQUIRED):
            sentence = f"`{self.prog}` needs {message.removeprefix(_REQUIRED)}"
        elif about := _ABOUT.fullmatch(message):
            what = about["what"].replace("expected one argument", "a value is missing")
            sentence = f"{about['name']}: {what}"
        else:
            sentence = message
        raise UsageError(redacted(sentence), hint=f"`{self.prog} --help` explains it")

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words behind the command.

        Raises:
            UsageError: They cannot be understood.
        """
        namespace, rest = self.parse_known_args(words)
        if rest:
            self._refuse(rest)
        return namespace

    def _refuse(self, rest: Sequence[str]) -> NoReturn:
        unknown = next((word for word in rest if word.startswith("-")), None)
        if unknown is None:
            hint = f"`{self.prog} --help` shows what it takes"
            if "://" in rest[0]:
                hint = "a database is named with --database"
            raise UsageError(f"`{self.prog}` does not take {redacted(rest[0])!r}", hint=hint)
        option = unknown.partition("=")[0]
        known = [name for action in self._actions for name in action.option_strings]
        near = nearest(option, known)
        raise UsageError(
            f"`{self.prog}` has no option {option}",
            hint=f"did you mean {near}?" if near else f"`{self.prog} --help` lists them",
        )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are, and has room for the longest option in front of its text."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_WIDTH)


def build_parser(name: str, command: Command) -> Parser:
    """Return the parser of a command."""
    takes = next(entry.takes for entry in ENTRIES if entry.name == name)
    usage = " ".join(filter(None, (f"asyncmig {name}", takes, "[options]")))
    parser = Parser(
        prog=f"asyncmig {name}",
        usage=usage,
        description=textwrap.fill(command.description, _WIDTH),
        epilog=_examples(command.examples),
        formatter_class=_Formatter,
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


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the name that was probably meant, ``None`` when nothing is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def redacted(text: str) -> str:
    """Return the text with ``***`` for the password of any URL in it."""
    text = re.sub(r"(://[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&\s]*", r"\1***", text)


# --- options that several commands share --------------------------------------------------------


def add_source_option(parser: Parser) -> None:
    """Add what says where the files are."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "--source",
        metavar="DIR",
        help="where the migrations are: a folder, or package:shop.migrations (default: migrations)",
    )


def add_database_options(parser: Parser) -> None:
    """Add what every command takes that talks to a database."""
    add_source_option(parser)
    group = parser.add_argument_group(
        "database",
        textwrap.fill(
            "Each of these can also be set in the environment (ASYNCMIG_DATABASE, then "
            "DATABASE_URL; ASYNCMIG_SCHEMA and so on) or in [tool.asyncmig] of pyproject.toml.",
            _WIDTH,
        ),
    )
    for flag, metavar, text in (
        ("--database", "URL", "postgresql://user@host/name or sqlite:///file.db"),
        ("--direct-url", "URL", "the server's own address, when --database is a pooler's"),
        ("--schema", "NAME", "the schema of the history table (PostgreSQL; default: public)"),
        ("--table", "NAME", "the history table (default: asyncmig_history)"),
        ("--search-path", "NAMES", "the search_path of every migration (PostgreSQL)"),
        ("--setup", "MODULE:FUNC", "an async function that prepares each connection"),
        ("--connect-timeout", "TIME", "how long to try to connect (default: 30s)"),
        ("--busy-timeout", "TIME", "how long to wait for a busy application (SQLite; 30s)"),
        ("--wait-timeout", "TIME", "how long to wait for another runner (default: forever)"),
        ("--lock-timeout", "TIME", "how long a statement may wait for a lock (PostgreSQL; 2s)"),
        ("--out-of-order", "POLICY", "error, apply or warn: pending below the newest applied one"),
        ("--changed", "POLICY", "error or warn: files that were edited after they were applied"),
    ):
        group.add_argument(flag, metavar=metavar, help=text)


def add_output_options(parser: Parser) -> None:
    """Add what every command takes."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument(
        "--log-format", metavar="FORMAT", help="auto, console, json or none; logs go to stderr"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more; -vv: all")
    group.add_argument("-h", "--help", action="store_true", help="show this help")


def add_target_options(parser: Parser, *, to: str, steps: str) -> None:
    """Add how far to go."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--to", metavar="VERSION", help=to)
    group.add_argument("--steps", metavar="N", type=_steps, help=steps)


def add_yes_option(parser: Parser) -> None:
    """Add the answer to the question that would be asked."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _steps(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        message = f"{word!r} is not a whole number of at least 1"
        raise argparse.ArgumentTypeError(message)
    return int(word)
