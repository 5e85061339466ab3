"""Which statements of a file go out in one message, and which of them the server points to. Pure.

One message a statement tells which one failed. Seed data with a hundred thousand INSERTs would pay
a round trip for each, and so would every file that makes a table and fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.begun import BACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.sql import Statement

_CHARACTERS = 64_000
"""How much goes out in one message. Larger ones are hardly faster and delay errors."""

ROWS = (("INSERT",),)
"""How the statements begin that only add rows, and lock nobody out."""

SHARING = (*ROWS, ("CREATE", "TABLE"), ("COMMENT", "ON"))
"""How the statements begin that share messages. They wait for few locks: where one of them fails
and the server does not point to it, they are sent once more, one by one."""

_SAVEPOINT = "asyncmig_message"
_OPENING = f"SAVEPOINT {_SAVEPOINT};"
_CLOSING = f" RELEASE SAVEPOINT {_SAVEPOINT};"
_UNDO = f"ROLLBACK TO SAVEPOINT {_SAVEPOINT};{_CLOSING}"
"""Nothing of the name is left: a later message that was not begun must not be taken back to it."""


@dataclass(frozen=True, slots=True)
class Message:
    """Statements that go out in one message: one by itself, or several behind a savepoint.

    Attributes:
        statements: One or more.
        has_savepoint: Whether it has a savepoint of its own. One by itself needs none, nor do those
            that have nothing of the author's in front of them: there :data:`BEGUN` serves.
        opening: What begins the transaction, where that goes along; each statement ended.
    """

    statements: tuple[Statement, ...]
    has_savepoint: bool = False
    opening: str = ""

    @property
    def is_one(self) -> bool:
        """Whether there is no choice which statement an error is about."""
        return len(self.statements) == 1

    @property
    def text(self) -> str:
        """What to send."""
        return self.opening + (behind_savepoint(self._own) if self.has_savepoint else self._own)

    @property
    def _own(self) -> str:
        return "".join(map(_ended, self.statements))

    @property
    def undo(self) -> str:
        """What takes it back, after an error that is not one of syntax.

        For one by itself, whose error fails the whole step, it takes all of the step back. It fails
        when none of it was begun, or when all of it was done and the end of the step was refused.
        """
        return _UNDO if self.has_savepoint else BACK

    @property
    def _lead(self) -> int:
        return len(self.opening) + (len(_OPENING) if self.has_savepoint else 0)

    def holds(self, position: int | None) -> bool:
        """Tell whether a position in the text is in one of the statements."""
        return position is not None and 0 <= position - self._lead < len(self._own)

    def find(self, position: int) -> tuple[Statement, int]:
        """Return the statement that a position in the text is in, and the place in its own text.

        What follows a statement, if only the semicolon, is none of the author's: that is its end.
        """
        position -= self._lead
        ends = accumulate(len(_ended(statement)) for statement in self.statements)
        found = (s for s, end in zip(self.statements, ends, strict=True) if position < end)
        statement = next(found, self.statements[-1])
        place = position - (statement.offset - self.statements[0].offset)
        return statement, min(place, len(statement.text))


def behind_savepoint(text: str) -> str:
    """Return what to send for statements, each ended, of which all or none succeed."""
    return f"{_OPENING}{text}{_CLOSING}"


def messages(
    statements: Sequence[Statement], sharing: Sequence[tuple[str, ...]] = SHARING
) -> Iterator[Message]:
    """Group neighbours that may share a message, up to a size; every other one stays alone.

    Args:
        statements: In their order.
        sharing: How the statements begin that may.
    """
    group: list[Statement] = []
    size = 0
    for statement in statements:
        shares = statement.words[:1] in sharing or statement.words[:2] in sharing
        if group and (not shares or size + len(statement.text) > _CHARACTERS):
            yield _together(group)
            group, size = [], 0
        if shares:
            group.append(statement)
            size += len(statement.text)
        else:
            yield Message((statement,))
    if group:
        yield _together(group)


def _together(group: list[Statement]) -> Message:
    return Message(tuple(group), has_savepoint=len(group) > 1)


def _ended(statement: Statement) -> str:
    """Return a statement as it was written, with the semicolon that the last one may lack."""
    return statement.text if statement.text.endswith(";") else statement.text + "\n;"
