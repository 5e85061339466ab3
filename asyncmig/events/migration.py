"""A migration begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.events.run import RunEvent

if TYPE_CHECKING:
    from asyncmig.migration import Direction


@dataclass(frozen=True, slots=True)
class MigrationEvent(RunEvent):
    """Something about one migration in a run.

    Attributes:
        run_id: The run.
        database: The database's address, without a password.
        version: The version, or ``R__name``.
        name: What the file is called.
        direction: Up or down.
    """

    version: str
    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class MigrationStarted(MigrationEvent):
    """A migration is about to run; its turn has come, by the history read under the lock.

    Attributes:
        resumed: Whether it goes on where an earlier run stopped.
    """

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class MigrationApplied(MigrationEvent):
    """A migration and its history are committed.

    Attributes:
        duration_ms: How long it ran.
    """

    duration_ms: int


@dataclass(frozen=True, slots=True)
class MigrationReverted(MigrationEvent):
    """The reversal of a migration and its history are committed.

    Attributes:
        duration_ms: How long it ran.
    """

    duration_ms: int


@dataclass(frozen=True, slots=True)
class MigrationFailed(MigrationEvent):
    """A migration failed and what it did in its transaction is rolled back.

    Attributes:
        error: One sentence.
        file: The file.
        line: The line in it, 1-based, where it is known.
        column: The column in that line, 1-based, where it is known.
    """

    error: str
    file: str
    line: int | None = None
    column: int | None = None
