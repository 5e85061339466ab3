"""One look at everything in a long script, before any of it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from asyncmig.checksum import Checksum
from asyncmig.migration import Part
from asyncmig.sql import (
    Dialect,
    autocommit_reason,
    foreign_keys_pragma,
    problem,
    split,
    transaction_control,
    without_outer_transaction,
)
from asyncmig.sql.passages import LENGTH, passages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.sql import Statement
    from asyncmig.sql.passages import Passage

_MOST_PRAGMAS = 100
_PAIR = 2
"""How many of those that begin or end a transaction can be one around everything."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen; see :class:`asyncmig.migration.LongScript`.

    Attributes:
        parts: What can be sent at once.
        left_out: The offsets of statements that are not sent.
        foreign_keys: ``False`` when the script turns them off.
        is_closed: Whether nothing is open at the end: a statement, a comment.
    """

    parts: tuple[Part, ...]
    left_out: frozenset[int]
    foreign_keys: bool
    is_closed: bool


def survey(pieces: Iterable[str], dialect: Dialect, length: int = LENGTH) -> Survey | None:
    """Look through a script that is to run in one transaction.

    Takes time in proportion to the script, and hardly any memory.

    Args:
        pieces: The script, cut anywhere.
        dialect: Whose rules apply.
        length: About how many characters are sent at once.

    Returns:
        ``None`` when it must not run as it is: :func:`asyncmig.engines.statements.prepare` says
        why. Or when there is nothing in it.
    """
    surveyor = _Surveyor(dialect)
    for passage in passages(pieces, dialect, length):
        if not surveyor.passes(passage):
            return None
    return surveyor.survey()


class _Found(NamedTuple):
    """A statement, and the offset of its first token in the whole script."""

    offset: int
    statement: Statement


class _Surveyor:
    """Sees one passage after the other, and remembers what counts for the whole."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._checksum = Checksum()
        self._parts: list[Part] = []
        self._offset = 0
        self._foreign_keys = True
        self._pragmas: list[int] = []
        self._frame: list[_Found] = []
        self._last: _Found | None = None
        self._is_closed = True

    def passes(self, passage: Passage) -> bool:
        """Take in a passage; tell whether there is nothing in it that must not run."""
        text = passage.text
        self._checksum.update(text)
        self._parts.append(Part(len(text), str(self._checksum), passage.is_plain))
        statements = split(text, self._dialect)
        if passage.is_plain:
            self._see(next(statements))  # the others are as harmless
            self._is_closed = True
        elif problem(text, self._dialect) or not all(map(self._fits, statements)):
            return False
        self._offset += len(text)
        return len(self._pragmas) <= _MOST_PRAGMAS and len(self._frame) <= _PAIR

    def _fits(self, statement: Statement) -> bool:
        """Take in a statement; tell whether it can run inside a transaction."""
        if statement.is_empty:
            self._is_closed = "/*" not in statement.text  # SQLite lets the end of a file close it
            return True
        self._is_closed = statement.text.endswith(";")
        is_sqlite = self._dialect is Dialect.SQLITE
        wants_keys = foreign_keys_pragma(statement) if is_sqlite else None
        if wants_keys is None:
            self._see(statement)
            return autocommit_reason(statement, self._dialect) is None
        self._foreign_keys &= wants_keys
        self._pragmas.append(self._offset + statement.body)
        return True

    def _see(self, statement: Statement) -> None:
        """Keep the first statement, the last one, and those that may be a pair around them all."""
        self._last = _Found(self._offset + statement.body, statement)
        if not self._frame or self._ends_transaction(statement):
            self._frame.append(self._last)

    def _ends_transaction(self, statement: Statement) -> bool:
        control = transaction_control(statement, self._dialect)
        return control is not None and not control.is_nested

    def survey(self) -> Survey | None:
        """Sum up."""
        frame = self._frame
        if self._last and self._last is not frame[-1]:
            frame = [*frame, self._last]
        inner = without_outer_transaction([found.statement for found in frame], self._dialect)
        if not self._parts or any(map(self._ends_transaction, inner)):
            return None
        pair = frame[:: len(frame) - 1] if len(inner) < len(frame) else ()
        left_out = frozenset([*self._pragmas, *(found.offset for found in pair)])
        return Survey(tuple(self._parts), left_out, self._foreign_keys, self._is_closed)
