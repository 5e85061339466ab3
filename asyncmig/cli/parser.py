"""The parser of one command: it raises one sentence where argparse would print and exit."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, NoReturn

from asyncmig.cli.errors import UsageError
from asyncmig.cli.nearest import nearest
from asyncmig.cli.secrets import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 88
"""How wide a help text is, in characters."""

_REQUIRED = "the following arguments are required: "
_ABOUT = r"argument (?P<name>\S+?)(?:/\S+)?: (?P<what>.*)"


class Parser(argparse.ArgumentParser):
    """The parser of one command. It raises where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's complaint as one sentence of ours.

        Raises:
            UsageError: Always.
        """
        if message.startswith(_REQUIRED):
            sentence = f"`{self.prog}` needs {message.removeprefix(_REQUIRED)}"
        elif about := re.fullmatch(_ABOUT, message, re.DOTALL):
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


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are, and has room for the longest option in front of its text."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=WIDTH)
