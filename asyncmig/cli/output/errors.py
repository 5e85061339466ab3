"""An error for people: what, where, the line with a caret, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.output.console import Paint
from asyncmig.cli.secrets import redacted
from asyncmig.errors import MigrationFailedError
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from asyncmig.cli.journal import Journal
    from asyncmig.cli.output.console import Stream
    from asyncmig.errors import AsyncmigError


def describe(error: AsyncmigError, journal: Journal, stream: Stream) -> str:
    """Return the error, and what was done before it."""
    lines = [f"{stream.paint('error:', Paint.RED, Paint.BOLD)} {_sentence(error)}"]
    if isinstance(error, MigrationFailedError) and error.excerpt:
        lines.append(error.excerpt)
    if error.hint:
        lines.append(f"{stream.paint('hint:', Paint.BOLD)} {error.hint}")
    if isinstance(error, MigrationFailedError) and error.rolled_back:
        lines.append(f"rolled back with it: {', '.join(error.rolled_back)}")
    lines += _done_before(journal)
    return redacted("\n".join(lines))


def _sentence(error: AsyncmigError) -> str:
    """Return the message, with the place if it does not say it."""
    if not error.file or error.file in error.message:
        return error.message
    return f"{error.message} ({error.location})"


def _done_before(journal: Journal) -> list[str]:
    lines: list[str] = []
    for direction, word in ((Direction.UP, "applied"), (Direction.DOWN, "reverted")):
        if keys := [event.version for event in journal.done if event.direction is direction]:
            lines.append(f"{word} before that, and staying so: {', '.join(keys)}")
    if journal.pending is not None:
        at = f"the database is at {journal.current}" if journal.current else "nothing is applied"
        lines.append(f"{at}; {journal.pending} pending")
    return lines
