"""Where something is wrong in a migration file, and the error that says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from asyncmig.errors import InvalidMigrationError
from asyncmig.sql import position_at


@dataclass(frozen=True, slots=True)
class Place:
    """A file and the migration that it belongs to.

    Attributes:
        path: The file, as the user would spell it.
        key: The version, or ``R__name``; ``None`` when the name of the file does not say.
    """

    path: str
    key: str | None = None

    def wrong(
        self, sentence: str, *, hint: str = "", line: int | None = None, column: int | None = None
    ) -> InvalidMigrationError:
        """Return the error for something wrong at that line and column, both 1-based."""
        where = ":".join(str(part) for part in (self.path, line, column) if part is not None)
        return InvalidMigrationError(
            f"{where}: {sentence}",
            hint=hint,
            version=self.key,
            file=self.path,
            line=line,
            column=column,
        )


UNTOLD = Place("")
"""Where an error is that nobody is told of."""


@dataclass(frozen=True, slots=True)
class Text:
    r"""The text of a migration file, and where it came from.

    Attributes:
        script: The text, with ``\n`` line ends.
        place: The file.
    """

    script: str = field(repr=False)
    place: Place

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of a character."""
        return position_at(self.script, offset).line

    def wrong_at(self, offset: int, sentence: str, *, hint: str = "") -> InvalidMigrationError:
        """Return the error for something wrong at that character."""
        position = position_at(self.script, offset)
        return self.place.wrong(sentence, hint=hint, line=position.line, column=position.column)
