"""What one direction of a migration runs: SQL, long SQL, or Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from asyncmig.migration.kind import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.locks import Hazard
    from asyncmig.migration.batching import Batching

MARKER = "`-- migrate:up transaction:false`"
"""What a file of our own has to have to run without a transaction, for messages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one direction of a migration says about how long and how often it may try (PostgreSQL).

    ``None`` stands for what it does not say, which is then as the run has it.

    Attributes:
        lock_timeout: Seconds that a statement may wait for a lock; infinity for no limit.
        statement_timeout: Seconds that a statement may take; infinity for no limit.
        budget: Seconds for a statement that cannot run in a transaction, such as ``CREATE INDEX
            CONCURRENTLY``; infinity for no limit.
        retries: How often it is tried again when a lock was in the way.
    """

    lock_timeout: float | None = None
    statement_timeout: float | None = None
    budget: float | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class SqlScript:
    """One direction of a migration, written in SQL.

    Attributes:
        text: The SQL as written, with LF line ends.
        path: Where it was read, for messages.
        first_line: The line of the file at which ``text`` starts, 1-based.
        transaction: Whether it runs inside a transaction together with its history row.
        foreign_keys: ``False`` when the author asked for ``foreign_keys:off`` (SQLite).
        limits: How long and how often it may try.
        phase: When it may be applied; of no meaning for the way down.
        allow: What it may do to relations in use, whatever ``fail_on`` says.
        batching: How to run its one statement again and again; ``None`` to run it once.
        marker: What a file of its kind has to have to run without a transaction, for messages;
            empty where nothing can say that.
    """

    text: str = field(repr=False)
    path: str
    first_line: int = 1
    transaction: bool = True
    foreign_keys: bool = True
    limits: Limits = Limits()
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()
    batching: Batching | None = None
    marker: str = field(default=MARKER, repr=False, compare=False)

    @property
    def file_of_its_own(self) -> str:
        """What to give to a statement that cannot run in a transaction, for messages."""
        return f"a file of its own with {self.marker}" if self.marker else "a file of its own"


@dataclass(frozen=True, slots=True)
class PythonScript:
    """One direction of a migration, written in Python.

    Attributes:
        source: The text of the whole module.
        path: Where it was read, for messages and tracebacks.
        function: The coroutine function to await: ``up`` or ``down``.
        transaction: Whether it runs inside a transaction together with its history row.
        foreign_keys: ``False`` when the module says ``foreign_keys = False`` (SQLite).
        idle_timeout: Seconds that the connection may idle in the transaction before the server
            ends it; ``None`` (the default) for as long as it likes.
        limits: How long and how often it may try.
        retry: Whether it may be tried again when a lock was in the way: what it does outside of
            the database would happen again.
        phase: When it may be applied; of no meaning for the way down.
        allow: What it may do to relations in use, whatever ``fail_on`` says.
        batching: How to call the function again and again; ``None`` to call it once.
    """

    source: str = field(repr=False)
    path: str
    function: str
    transaction: bool = True
    foreign_keys: bool = True
    idle_timeout: float | None = None
    limits: Limits = Limits()
    retry: bool = False
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()
    batching: Batching | None = None


class LongText(Protocol):
    """A text that is too long to be kept: it is read again each time that it is needed."""

    def pieces(self) -> Iterator[str]:
        """Yield it piece by piece, with LF line ends. Blocks on the disk.

        Raises:
            SourceError: It cannot be read, or is no text any more.
        """
        ...


class Part(NamedTuple):
    """What of a long script is sent at once: whole statements.

    Attributes:
        length: How many characters.
        checksum: Of the script from its beginning to the end of this part.
        is_plain: Whether it is nothing but INSERTs that need not be looked at again.
    """

    length: int
    checksum: str
    is_plain: bool


@dataclass(frozen=True, slots=True)
class LongScript:
    """What applies a migration, in SQL that is too long to be kept in memory.

    All of it was looked at once. When it runs it is read again part by part, and a part that is
    not what was looked at is not sent.

    Attributes:
        text: The SQL.
        path: Where it is read, for messages.
        parts: What it consists of; at least one.
        left_out: The offsets of the statements that are not sent: ``PRAGMA foreign_keys``
            (SQLite), and a ``BEGIN`` and ``COMMIT`` around everything.
        first_line: The line of the file at which it starts, 1-based.
        transaction: Always true: what runs without one is kept.
        foreign_keys: ``False`` when the author wants them off while it runs (SQLite).
        limits: How long and how often it may try.
        phase: When it may be applied.
        allow: What it may do to relations in use, whatever ``fail_on`` says.
        batching: Always none: what runs in batches is one statement, and is kept.
    """

    text: LongText = field(repr=False)
    path: str
    parts: tuple[Part, ...] = field(repr=False)
    left_out: frozenset[int] = frozenset()
    first_line: int = 1
    transaction: bool = True
    foreign_keys: bool = True
    limits: Limits = Limits()
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()
    batching: None = None

    @property
    def checksum(self) -> str:
        """What :func:`checksum` makes of all of it."""
        return self.parts[-1].checksum

    def in_memory(self) -> SqlScript:
        """Read all of it after all. Blocks on the disk.

        Raises:
            SourceError: It cannot be read, or is no text any more.
        """
        text = "".join(self.text.pieces())
        return SqlScript(
            text=text,
            path=self.path,
            first_line=self.first_line,
            foreign_keys=self.foreign_keys,
            limits=self.limits,
            phase=self.phase,
            allow=self.allow,
        )


Script = SqlScript | LongScript | PythonScript
