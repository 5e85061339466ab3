"""Report how a command ended: as a document, or to people."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from asyncmig.cli.errors import RunInterruptedError
from asyncmig.cli.journal import Journal
from asyncmig.cli.output.document import facts_of_journal, render
from asyncmig.cli.output.errors import describe
from asyncmig.cli.output.exit_codes import exit_code_of
from asyncmig.cli.secrets import redacted

if TYPE_CHECKING:
    from asyncmig.cli.command import Outcome
    from asyncmig.cli.output.console import Console
    from asyncmig.errors import AsyncmigError


class Reporter:
    """Writes the end of a command.

    Args:
        console: Where to.
        as_document: Whether ``--json`` was asked for.

    Attributes:
        command: The name of the command, once it is known.
        journal: What the run said so far.
    """

    def __init__(self, console: Console, *, as_document: bool) -> None:
        self.console = console
        self.as_document = as_document
        self.command: str | None = None
        self.journal = Journal()

    def succeeded(self, outcome: Outcome) -> int:
        """Write what came out, and return the exit code."""
        if self.as_document:
            self.console.out.write(render(self.command, outcome.facts))
        elif outcome.text:
            self.console.out.write(outcome.text)
        return outcome.exit_code

    def failed(self, error: AsyncmigError) -> int:
        """Write what went wrong, and return the exit code."""
        if self.as_document:
            self._write_document(error)
            self.console.err.write(redacted(f"error: {error.message}"))
        else:
            self.console.err.write(describe(error, self.journal, self.console.err))
        return exit_code_of(error)

    def crashed(self, error: Exception) -> None:
        """Write the document of a bug; the traceback is Python's to print."""
        if self.as_document:
            self._write_document(error)

    def gave_up(self, number: int) -> None:
        """Write the last words before the process ends at once.

        It is called in a signal handler: what was being written may be cut off.
        """
        with suppress(RuntimeError, OSError):
            self.failed(RunInterruptedError(number))

    def _write_document(self, error: Exception) -> None:
        self.console.out.write(render(self.command, facts_of_journal(self.journal), error))
