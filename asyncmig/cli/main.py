"""From the words that were typed to the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncmig.cli.help import asks_for_top_level_help, help_for, top_level_help
from asyncmig.cli.output.console import open_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.cli.output.console import Console
    from asyncmig.cli.output.reporter import Reporter


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        argv: The words behind the program's name; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = open_console()
    if not words:
        console.err.write(top_level_help())
        return 2
    if asks_for_top_level_help(words):
        console.out.write(top_level_help())
        return 0
    return _answer(words, console)


def _answer(words: Sequence[str], console: Console) -> int:
    """Give the help that the words ask for, or else do what they say."""
    from asyncmig.errors import AsyncmigError

    try:
        text = help_for(words)
    except AsyncmigError as error:
        return _reporter(words, console).failed(error)
    if text is None:
        return _carry_out(words, _reporter(words, console))
    console.out.write(text)
    return 0


def _reporter(words: Sequence[str], console: Console) -> Reporter:
    """Return what reports in the way that the words ask for, also if they make no sense."""
    from asyncmig.cli.output.reporter import Reporter

    options = words[: words.index("--")] if "--" in words else words
    return Reporter(console, as_document="--json" in options)


def _carry_out(words: Sequence[str], reporter: Reporter) -> int:
    """Do what the words say, and report how it ended, whatever happens."""
    import signal

    from asyncmig.cli.call import call
    from asyncmig.cli.errors import RunInterruptedError
    from asyncmig.errors import AsyncmigError

    try:
        return reporter.succeeded(call(words, reporter))
    except AsyncmigError as error:
        return reporter.failed(error)
    except KeyboardInterrupt:
        return reporter.failed(RunInterruptedError(signal.SIGINT))
    except Exception as error:
        reporter.crashed(error)
        raise
