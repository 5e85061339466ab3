"""From the words that were typed to the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncmig.cli.help import help_for, top_level_help
from asyncmig.cli.output.console import open_console
from asyncmig.errors import AsyncmigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.cli.output.console import Console


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
    return _answer(words, console)


def _answer(words: Sequence[str], console: Console) -> int:
    """Do what the words say, and report it in the way that they ask for, whatever happens."""
    complaint: AsyncmigError | None = None
    try:
        if (text := help_for(words)) is not None:
            console.out.write(text)
            return 0
    except AsyncmigError as error:
        complaint = error
    # The help is out by now; from here on more is needed.
    import signal

    from asyncmig.cli.call import call
    from asyncmig.cli.errors import RunInterruptedError
    from asyncmig.cli.output.reporter import Reporter

    reporter = Reporter(console, as_document=_asks_for_json(words))
    if complaint is not None:
        return reporter.failed(complaint)
    try:
        return reporter.succeeded(call(words, reporter))
    except AsyncmigError as error:
        return reporter.failed(error)
    except KeyboardInterrupt:
        return reporter.failed(RunInterruptedError(signal.SIGINT))
    except Exception as error:
        reporter.crashed(error)
        raise


def _asks_for_json(words: Sequence[str]) -> bool:
    """Tell whether ``--json`` is among the options, also when the others cannot be understood."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)
