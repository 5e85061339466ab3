"""SQL files that are too long to be kept in memory: read piece by piece, each time anew.

What stands around the long part (a head of comments, the markers, the way down) is short, and is
read as any other file is, as if the long part were empty. Where that is not so, or anything about
a file is wrong, the file is read as a whole, by the modules for all files.
"""

from __future__ import annotations

import codecs
import io
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.checksum import Checksum
from asyncmig.errors import SourceError
from asyncmig.migration import Direction, LongScript, SqlScript
from asyncmig.sources.location import LONG, unreadable
from asyncmig.sources.markers import suspicious_lines
from asyncmig.sources.names import Language
from asyncmig.sources.place import Text
from asyncmig.sources.sql_file import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asyncmig.migration import Script
    from asyncmig.sources.names import FileName
    from asyncmig.sources.place import Place
    from asyncmig.sources.survey import Survey
    from asyncmig.sql import Dialect

PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class LongFile:
    """A text file, read piece by piece.

    Attributes:
        path: The file; absolute, because an application may change its working directory.
        place: The file, for messages.
    """

    path: Path
    place: Place

    def pieces(self) -> Iterator[str]:
        """Yield its text as :func:`asyncmig.sources.decode.decode` returns it.

        Raises:
            SourceError: It cannot be read, or is no text.
        """
        decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8-sig")(), translate=True
        )
        try:
            with self.path.open("rb", buffering=0) as file:
                while content := file.read(PIECE):
                    yield self._without_nul(decoder.decode(content))
                yield decoder.decode(b"", final=True)
        except OSError as error:
            raise unreadable(self.place.path, error) from error
        except UnicodeDecodeError as error:
            raise self.place.wrong("the file is not UTF-8") from error

    def _without_nul(self, text: str) -> str:
        if "\0" in text:
            raise self.place.wrong("there is a NUL byte")
        return text


@dataclass(frozen=True, slots=True)
class Slice:
    """What stands between two offsets of a long file.

    Attributes:
        file: The file.
        start: The first character.
        end: The character behind the last one.
    """

    file: LongFile
    start: int
    end: int

    def pieces(self) -> Iterator[str]:
        """Yield its text.

        Raises:
            SourceError: It cannot be read, or is no text.
        """
        offset = 0
        for piece in self.file.pieces():
            yield piece[max(0, self.start - offset) : max(0, self.end - offset)]
            offset += len(piece)
            if offset >= self.end:
                return


def read_long(
    path: Path, place: Place, name: FileName, dialect: Dialect
) -> Mapping[Direction, Script] | None:
    """Return the scripts of a SQL file of which the up is long, without keeping that.

    Args:
        path: The file.
        place: The file, for messages.
        name: Its name, taken apart.
        dialect: Whose strings and comments it is written with.

    Returns:
        ``None`` when it is not of that kind, or something about it may be wrong.
    """
    from asyncmig.sources.survey import survey  # and with it the lexer, for long files alone

    with suppress(SourceError, OSError):
        if not _may_be_long(path, name):
            return None
        reading = _Reading(LongFile(path.absolute(), place))
        seen = survey(reading.up(), dialect)
        around = reading.surroundings(name, dialect) if seen else None
        if seen and around and (seen.is_closed or not reading.rest):
            return {**around, Direction.UP: _script(reading, around[Direction.UP], seen)}
    return None


def checksum_of_long(path: Path, place: Place, name: FileName, dialect: Dialect) -> str | None:
    """Return the checksum of the up of a long file; ``None`` where :func:`read_long` may do so.

    Where nothing follows the up, nobody has to know how its SQL is to be cut.
    """
    with suppress(SourceError, OSError):
        if not _may_be_long(path, name):
            return None
        reading = _Reading(LongFile(path.absolute(), place))
        checksum = Checksum()
        for piece in reading.up():
            checksum.update(piece)
        if not reading.rest:
            return str(checksum) if reading.surroundings(name, dialect) else None
        scripts = read_long(path, place, name, dialect)
        up = scripts[Direction.UP] if scripts else None
        return up.checksum if isinstance(up, LongScript) else None
    return None


def _may_be_long(path: Path, name: FileName) -> bool:
    """Tell whether a file is worth it. The way down is kept in the history, so it is kept here."""
    is_up = name.language is Language.SQL and name.direction is not Direction.DOWN
    return is_up and path.stat().st_size >= LONG


def _script(reading: _Reading, up: SqlScript, seen: Survey) -> LongScript:
    return LongScript(
        text=reading.slice,
        path=up.path,
        parts=seen.parts,
        left_out=seen.left_out,
        first_line=up.first_line,
        foreign_keys=up.foreign_keys and seen.foreign_keys,
        limits=up.limits,
        phase=up.phase,
        allow=up.allow,
    )


class _Reading:
    """One way through a long file: the up passes by, what stands around it is kept.

    Attributes:
        head: What stands in front of the up, its marker included; empty without a marker.
        rest: What follows it, from the next marker on.
    """

    def __init__(self, file: LongFile) -> None:
        self._file = file
        self._length = 0
        self.head = ""
        self.rest: list[str] = []

    @property
    def slice(self) -> Slice:
        """The up."""
        return Slice(self._file, len(self.head), len(self.head) + self._length)

    def up(self) -> Iterator[str]:
        """Yield the up piece by piece, each of whole lines. Once.

        Raises:
            SourceError: The file cannot be read, or is no text.
        """
        for block in _whole_lines(self._file.pieces()):
            if self.rest:
                self.rest.append(block)
                continue
            piece = self._without_surroundings(block)
            self._length += len(piece)
            yield piece

    def _without_surroundings(self, block: str) -> str:
        """Keep of a block what does not belong to the up."""
        start = 0
        for line in suspicious_lines(block):
            if self._length or self.head:
                self.rest.append(block[line.start :])
                return block[start : line.start]
            start = min(line.start + len(line.text) + 1, len(block))
            self.head = block[:start]
        return block[start:]

    def surroundings(
        self, name: FileName, dialect: Dialect
    ) -> Mapping[Direction, SqlScript] | None:
        """Read what stands around the up, once that has passed by.

        Returns:
            ``None`` when the up is short after all, does not run in one transaction, or is not
            where it looked as if it were.

        Raises:
            SourceError: Something is wrong about the markers.
        """
        if self._length < LONG or (self.rest and not self.head):
            return None
        short = Text(self.head + "".join(self.rest), self._file.place)
        scripts = dict(read_sql(short, name, dialect))
        up, down = scripts.get(Direction.UP), scripts.get(Direction.DOWN)
        if up is None or up.text or not up.transaction or up.batching is not None:
            return None
        if up.first_line != self.head.count("\n") + 1:  # a marker behind the up begins another one
            return None
        if down is not None:
            lines = sum(piece.count("\n") for piece in self.slice.pieces())
            scripts[Direction.DOWN] = replace(down, first_line=down.first_line + lines)
        return scripts


def _whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Cut a text behind its line ends."""
    rest = ""
    for piece in pieces:
        end = piece.rfind("\n") + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
    if rest:
        yield rest
