"""What a migration is: a version, a name, and the two ways it can go.

Values only. Nothing here reads a file or talks to a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import total_ordering
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.locks import Hazard


MARKER = "`-- migrate:up transaction:false`"
"""What a file of our own has to have to run without a transaction, for messages."""

_REPEATABLE_PREFIX = "R__"

_LARGEST_BATCH = 10_000_000
_LONGEST_BATCH = 60
_LONGEST_PAUSE = 30
"""Seconds: half of what a session of ours may idle before the server ends it."""


class Direction(StrEnum):
    """The way a migration is run."""

    UP = "up"
    DOWN = "down"


class Phase(StrEnum):
    """When a migration may be applied, seen from the deployment of the code that goes with it.

    ``pre``, the default, before the new code starts: the old code works with it. ``post`` only when
    the new code is everywhere: it drops or renames what the old code uses.
    """

    PRE = "pre"
    POST = "post"


class Kind(StrEnum):
    """What a migration, or a row of the history, stands for."""

    VERSIONED = "versioned"
    REPEATABLE = "repeatable"
    BASELINE = "baseline"


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """The version of a migration: digits, kept as written, compared as a number.

    ``Version("007")`` and ``Version("7")`` are the same version, and ``"10"`` follows ``"9"``.
    Folders of other tools have versions of several numbers, such as ``1.2.10``, which follows
    ``1.2.9``; ``1`` and ``1.0`` are the same, as they are to Flyway.

    Attributes:
        text: The version as the file name or the history spells it.
        numbers: What it is compared by: without zeros at the end.

    Raises:
        ValueError: ``text`` is not made of the digits 0 to 9, with single dots between them.
    """

    text: str
    numbers: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is not a number: ``int()`` alone would accept ``"1_0"`` and ``" 1"``."""
        digits = self.text.split(".")
        if not all(part.isascii() and part.isdigit() for part in digits):
            message = f"a version is made of digits, not {self.text!r}"
            raise ValueError(message)
        numbers = [int(part) for part in digits]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        object.__setattr__(self, "numbers", tuple(numbers))

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Return the version that a text spells, ``None`` for what is none."""
        try:
            return cls(text)
        except ValueError:
            return None

    @property
    def number(self) -> int:
        """The first number, which is the only one in a folder of our own."""
        return self.numbers[0]

    @property
    def is_zero(self) -> bool:
        """Whether it stands for the time before every migration."""
        return self.numbers == (0,)

    def __str__(self) -> str:
        """Return the digits as they were written."""
        return self.text

    def __hash__(self) -> int:
        """Hash the numbers, because versions are compared as numbers."""
        return hash(self.numbers)

    def __eq__(self, other: object) -> bool:
        """Tell whether both are the same number."""
        return self.numbers == other.numbers if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        """Order by number."""
        return self.numbers < other.numbers


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
class Batching:
    """How a migration of data runs in batches, each in a transaction of its own.

    Attributes:
        size: How many rows the first batch is for; later ones adapt to ``target``.
        target: Seconds that a batch is to take.
        pause: Seconds between two batches; ``None`` for what suits the database: none on
            PostgreSQL, and on SQLite enough for an application to get its turn.
        replica_lag: Seconds that a replica may be behind before the next batch waits for it
            (PostgreSQL); ``None`` for as many as it likes.

    Raises:
        ValueError: A value is out of its bounds; the sentence says which they are.
    """

    size: int = 1000
    target: float = 0.5
    pause: float | None = None
    replica_lag: float | None = None

    def __post_init__(self) -> None:
        """Refuse what would never come to an end, or let the server end an idle session."""
        if not 1 <= self.size <= _LARGEST_BATCH:
            raise ValueError(f"the size of a batch is 1 to {_LARGEST_BATCH} rows")
        if not 0 < self.target <= _LONGEST_BATCH:
            raise ValueError(f"the target of a batch is above 0 and at most {_LONGEST_BATCH} s")
        if self.pause is not None and not 0 <= self.pause <= _LONGEST_PAUSE:
            raise ValueError(f"the pause between batches is 0 to {_LONGEST_PAUSE} s")
        if self.replica_lag is not None and not self.replica_lag > 0:
            raise ValueError("the lag that replicas may have is above 0 s")


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


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the schema or the data.

    Attributes:
        version: Its place in the order; ``None`` for a repeatable migration.
        name: What the file calls it.
        checksum: Of the text that ``up`` runs, as :func:`checksum` spells it.
        up: What applies it.
        down: What reverts it; ``None`` when the author wrote nothing.
    """

    version: Version | None
    name: str
    checksum: str
    up: Script
    down: Script | None = None

    @property
    def kind(self) -> Kind:
        """Repeatable when there is no version, else versioned."""
        return Kind.REPEATABLE if self.version is None else Kind.VERSIONED

    @property
    def key(self) -> str:
        """The identity in messages and documents: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    @property
    def phase(self) -> Phase:
        """When it may be applied."""
        return self.up.phase

    @property
    def path(self) -> str:
        """Where the part that applies it was read."""
        return self.up.path

    def script(self, direction: Direction) -> Script | None:
        """Return what runs in that direction, ``None`` when there is nothing to go down with."""
        return self.up if direction is Direction.UP else self.down


def key_of(version: Version | None, name: str) -> str:
    """Return the version as text, or ``R__name`` for what has none."""
    return f"{_REPEATABLE_PREFIX}{name}" if version is None else version.text
