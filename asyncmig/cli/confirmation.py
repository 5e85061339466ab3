"""Ask before something is destroyed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncmig.cli.errors import NotConfirmedError

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation

_YES = frozenset({"y", "yes"})


def confirm(invocation: Invocation, shown: str, question: str) -> None:
    """Show what is about to happen, and ask; ``--yes`` is the answer where nobody can be asked.

    The question goes to stderr, so that stdout has the result alone.

    Raises:
        NotConfirmedError: The answer was not yes, or nobody could be asked.
    """
    if invocation.options.yes:
        return
    from asyncmig.cli.signals import at_once  # not before: the help comes without an event loop

    stdin = sys.stdin
    invocation.console.err.write(shown)
    if stdin is None or not stdin.isatty():
        raise NotConfirmedError(
            f"{question} Nobody can be asked here, so nothing was done", hint="confirm with --yes"
        )
    with at_once():  # before the question is there: who answers it with Ctrl-C must be heard
        invocation.console.err.write(f"{question} [y/N] ", end="")
        answer = stdin.readline()
    if answer.strip().lower() not in _YES:
        raise NotConfirmedError("not confirmed, so nothing was done")
