"""The errors of the command line alone. They join the tree of :mod:`asyncmig.errors`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from asyncmig.errors import AsyncmigError, SettingsError, SourceError

if TYPE_CHECKING:
    from asyncmig.lint.finding import Finding
    from asyncmig.migration import Version


class UsageError(SettingsError):
    """What was typed is not a command that we know."""


class NotConfirmedError(SettingsError):
    """What destroys something was not confirmed. Nothing was done."""


class RunInterruptedError(AsyncmigError):
    """A signal ended the command.

    Attributes:
        signal: Which one.
    """

    def __init__(self, number: int) -> None:
        """Name the signal."""
        self.signal = signal.Signals(number)
        super().__init__(
            f"interrupted by {self.signal.name}",
            hint="what was committed stays; `asyncmig status` shows where the database stands",
        )


class LateVersionError(SourceError):
    """A version would be out of order after a merge."""

    def __init__(self, version: Version, newest: Version, reference: str, file: str) -> None:
        """Name the file and the version that it would come too late for."""
        super().__init__(
            f"{file} comes before {newest}, the newest version of {reference}, so it would be out "
            "of order after a merge",
            hint="give it a newer version, as `asyncmig new` does",
            version=str(version),
            file=file,
        )


class PostponedDependencyError(SourceError):
    """A migration builds on one that waits for the new code."""

    def __init__(self, finding: Finding) -> None:
        """Say what the linter says."""
        super().__init__(
            f"{finding.location}: {finding.message}",
            hint=finding.hint,
            version=finding.version,
            file=finding.file,
            line=finding.line,
            column=finding.column,
        )
