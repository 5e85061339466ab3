"""What ``asyncmig --help`` says. It imports next to nothing, so it is there at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.commands import ENTRIES, load_command

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = """\
asyncmig: database migrations for PostgreSQL and SQLite

usage: asyncmig COMMAND [options]
"""

_TAIL = """\
Start here:
  asyncmig init                        set up this project
  asyncmig new create_users            write migrations/2026…_create_users.sql
  asyncmig up                          apply it
  asyncmig status                      see where everything stands

The database is named by --database, else by ASYNCMIG_DATABASE, else by DATABASE_URL, else by
[tool.asyncmig] in pyproject.toml:
  asyncmig up --database postgresql://app@db/shop
  DATABASE_URL=sqlite:///shop.db asyncmig status

In a deployment:
  asyncmig up                          any number of replicas may run it at the same time
  asyncmig plan --sql                  the script for a review, or for psql and sqlite3
  asyncmig status --check --json       one JSON document; the exit code tells the rest

Exit codes: 0 done · 1 a migration failed · 2 wrong usage, settings or files · 3 a check found
something · 4 another runner took too long · 5 database unreachable · 6 history and files disagree
· 7 read-only database · 130 and 143 interrupted

asyncmig COMMAND --help explains a command; asyncmig --version prints the version."""


def asks_for_top_level_help(words: Sequence[str]) -> bool:
    """Tell whether the list of commands is asked for."""
    return words[0] in {"-h", "--help"} or list(words) == ["help"]


def help_for(words: Sequence[str]) -> str | None:
    """Return the version, or the help of a command, if that was asked for, else ``None``.

    Raises:
        UsageError: Help was asked for a command that there is not.
    """
    words = words[: words.index("--")] if "--" in words else words
    match list(words):
        case ["-V" | "--version"]:
            from asyncmig.version import __version__

            return f"asyncmig {__version__}"
        case ["help", word, *_]:
            return command_help(word)
        case [word, *rest] if "-h" in rest or "--help" in rest:
            return command_help(word)
        case _:
            return None


def top_level_help() -> str:
    """Return the list of commands and how to begin."""
    lines = [_HEAD]
    for group in dict.fromkeys(entry.group for entry in ENTRIES):
        lines.append(f"{group}:")
        for entry in ENTRIES:
            if entry.group == group:
                left = f"{entry.name} {entry.takes}".rstrip()
                lines.append(f"  {left:<18} {entry.summary}")
        lines.append("")
    return "\n".join([*lines, _TAIL])


def command_help(word: str) -> str:
    """Return the help of one command.

    Raises:
        UsageError: There is no such command.
    """
    from asyncmig.cli.arguments import build_parser, find_command

    name = find_command(word)
    return build_parser(name, load_command(name)).format_help().rstrip()
