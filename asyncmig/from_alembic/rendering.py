"""What became of a revision: SQL, or the reason why there is none. Values without I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendered:
    """The SQL of one direction.

    Attributes:
        statements: In their order, without semicolons.
        transaction: Whether it runs in a transaction.
        rebuilds: Whether it copies a table and drops the original, as SQLite's batches do.
    """

    statements: tuple[str, ...] = ()
    transaction: bool = True
    rebuilds: bool = False


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A direction that a person has to write.

    Attributes:
        reason: Why it cannot be rendered, without a full stop.
        line: The line of the revision's file at which that was seen; ``None`` where none is known.
        statements: What it said before that.
    """

    reason: str
    line: int | None = None
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Irreversible:
    """A way down that its author has refused.

    Attributes:
        reason: What the author says.
        line: Where.
        statements: What was said before that.
    """

    reason: str
    line: int | None = None
    statements: tuple[str, ...] = ()


Up = Rendered | Unrendered
Down = Rendered | Unrendered | Irreversible


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, rendered.

    Attributes:
        id: What alembic calls it.
        parents: What it follows.
        message: What its author says that it does.
        path: The file that it is from.
        source: The text of that file.
        up: The way up.
        down: The way down.
    """

    id: str
    parents: tuple[str, ...]
    message: str
    path: str
    source: str
    up: Up
    down: Down
