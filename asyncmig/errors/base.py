"""What every error has: one sentence, the remedy, and the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


SHOWN = 8
"""How many versions a message lists at most."""


class AsyncmigError(Exception):
    """Everything that asyncmig raises on purpose.

    Attributes:
        message: One sentence: what, and where.
        hint: What to do next; also attached as a note. Empty when there is nothing to say.
        version: The migration it is about, as its version or ``R__name``, if it is about one.
        file: The file it is about, if it is about one.
        line: The line in that file, 1-based, where it is known.
        column: The column in that line, 1-based and in characters, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        version: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.version = version
        self.file = file
        self.line = line
        self.column = column
        if hint:
            self.add_note(hint)

    def __reduce__(self) -> tuple[object, ...]:
        """Be copied and pickled with every attribute: process pools and queues hand errors on."""
        return type(self).__new__, (type(self),), {**self.__dict__, "args": self.args}

    def __str__(self) -> str:
        """Return the sentence (a builtin base may spell its arguments otherwise)."""
        return self.message

    @property
    def location(self) -> str:
        """``file:line:column`` as far as it is known, empty when nothing is."""
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None) if self.file else ""


def migrations(versions: Sequence[str]) -> str:
    """Return ``migration 3 is`` or ``migrations 3, 4 are``, for the start of a sentence."""
    if len(versions) == 1:
        return f"migration {versions[0]} is"
    more = f" and {len(versions) - SHOWN} more" if versions[SHOWN:] else ""
    return f"migrations {', '.join(versions[:SHOWN])}{more} are"
