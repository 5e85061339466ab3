"""Long scripts, read again while they run: part by part, and each only if it is what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.checksum import Checksum
from asyncmig.engines.statements import Section
from asyncmig.errors import MigrationFailedError, SourceError
from asyncmig.migration import LongScript
from asyncmig.sql import Position, split

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from asyncmig.migration import SqlScript
    from asyncmig.plan import Step
    from asyncmig.sql import Dialect, Statement

_LEAD = 200
"""Characters in front of a section, in its first line, that an error may want to show."""


def sql_of(script: SqlScript | LongScript) -> SqlScript:
    """Return a script with its text. Blocks on the disk if that is long."""
    return script.in_memory() if isinstance(script, LongScript) else script


def sections(step: Step, script: LongScript, dialect: Dialect) -> Generator[Section]:
    """Yield what to send, one section after the other. Blocks on the disk.

    Nothing is yielded that was not looked at when the file was loaded, also when somebody writes
    the file meanwhile: each section ends where it ended then, and what was read up to there has
    the checksum that it had.

    Raises:
        MigrationFailedError: The file is no longer what was loaded, or cannot be read.
    """
    offset, start, lead, so_far = 0, Position(script.first_line, 1), "", Checksum()
    for part, text in zip(script.parts, _texts(step, script), strict=True):
        so_far.update(text)
        if str(so_far) != part.checksum:
            raise _unlike(step, "the file has changed since it was read")
        cut = None if part.is_plain else tuple(_statements(script, text, offset, dialect))
        yield Section(text, script.path, start, lead, cut)
        offset += len(text)
        start = _behind(start, text)
        lead = (lead + text)[-_LEAD:].rpartition("\n")[2]


def _behind(start: Position, text: str) -> Position:
    """Return where a text ends that has LF line ends only."""
    lines = text.count("\n")
    column = len(text) - text.rfind("\n") if lines else start.column + len(text)
    return Position(start.line + lines, column)


def _texts(step: Step, script: LongScript) -> Iterator[str]:
    """Yield the texts of the parts; they are too short when the file is."""
    pieces, text = script.text.pieces(), ""
    for part in script.parts:
        try:
            while len(text) < part.length and (piece := next(pieces, None)) is not None:
                text += piece
        except SourceError as error:
            raise _unlike(step, str(error)) from error
        yield text[: part.length]
        text = text[part.length :]


def statements_of(section: Section, dialect: Dialect) -> tuple[Statement, ...]:
    """Return the statements of a section. For a plain one call it off the event loop."""
    if section.statements is not None:
        return section.statements
    return tuple(split(section.text, dialect))


def _statements(
    script: LongScript, text: str, offset: int, dialect: Dialect
) -> Iterator[Statement]:
    for statement in split(text, dialect):
        if not statement.is_empty and offset + statement.body not in script.left_out:
            yield statement


def _unlike(step: Step, why: str) -> MigrationFailedError:
    """Return the error for a file that is another one by now. It has no SQLSTATE: try again."""
    path = step.script.path
    return MigrationFailedError(
        f"migration {step.key} failed ({path}): {why}",
        version=step.key,
        direction=step.direction,
        file=path,
        hint="nothing of it was applied: run again when the file is complete",
    )
