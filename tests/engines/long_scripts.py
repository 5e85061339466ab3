"""Scripts that are too long to be kept, of which the tests keep the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.checksum import checksum
from asyncmig.errors import SourceError
from asyncmig.migration import LongScript, Migration, Version
from asyncmig.sources.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql import Dialect

LENGTH = 2000
TABLE = "CREATE TABLE seed (id integer PRIMARY KEY, name text CHECK (name <> 'no'));\n"


def rows(first: int, last: int) -> str:
    """Return the INSERTs of some rows, a line for each."""
    numbers = range(first, last + 1)
    return "".join(f"INSERT INTO seed VALUES ({number}, 'ä');\n" for number in numbers)


@dataclass(frozen=True, slots=True)
class Text:
    """A text in pieces.

    Attributes:
        text: What it is.
        broken: Whether it cannot be read to its end.
    """

    text: str
    broken: bool = False

    def pieces(self) -> Iterator[str]:
        """Yield it."""
        for start in range(0, len(self.text), 700):
            yield self.text[start : start + 700]
        if self.broken:
            message = "1_some.sql cannot be read: gone"
            raise SourceError(message)


def long(dialect: Dialect, text: str, version: str = "1") -> Migration:
    """Return a migration that was loaded from a long file."""
    seen = survey(Text(text).pieces(), dialect, LENGTH)
    assert seen
    up = LongScript(
        Text(text), "1_some.sql", seen.parts, seen.left_out, foreign_keys=seen.foreign_keys
    )
    return Migration(Version(version), "some", checksum(text), up)
