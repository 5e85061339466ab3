"""What the rules look at: a migration, cut into statements and words.

Built once for each migration; everything in it is a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, islice, repeat
from typing import TYPE_CHECKING

from asyncmig.lint.postponed import Postponed
from asyncmig.lint.references import References
from asyncmig.lint.tables import created_table, dropped_tables, renamed_table
from asyncmig.migration import Direction, Phase, SqlScript
from asyncmig.sql import split
from asyncmig.sql.lexer import tokens as tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from asyncmig.migration import Migration, Script, Version
    from asyncmig.sql import Dialect, Statement

_MOST_TOKENS = 5_000
"""Of one statement: a row of seed data may have a million, and no rule looks that far."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A statement, read word by word.

    Attributes:
        statement: Where it stands.
        tokens: Bare words in upper case, all else as written; no semicolon.
        new: The tables that the statements in front of it have made.
    """

    statement: Statement
    tokens: tuple[str, ...]
    new: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """One direction of a migration in SQL.

    Attributes:
        direction: Which.
        script: What was read.
        dialect: Whose SQL it is.
        sentences: Its statements, without empty ones.
    """

    direction: Direction
    script: SqlScript
    dialect: Dialect
    sentences: tuple[Sentence, ...] = field(repr=False)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements alone."""
        return tuple(sentence.statement for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may know besides the migration.

    Attributes:
        dialect: Of all the files.
        history_table: The name of asyncmig's own table, in lower case.
        now: An aware time.
    """

    dialect: Dialect
    history_table: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """A migration as the rules see it.

    Attributes:
        migration: What was read.
        up: The way up; ``None`` for a migration in Python.
        down: The way down; ``None`` without one in SQL.
        former: The version before it in the folder; ``None`` for the first.
        references: The foreign keys that the migrations before it have made.
        postponed: What those before it leave to be done until the new code is everywhere.
        around: What else there is.
    """

    migration: Migration
    up: Part | None
    down: Part | None
    former: Version | None
    references: References
    postponed: Postponed
    around: Surroundings

    @property
    def parts(self) -> tuple[Part, ...]:
        """What there is in SQL."""
        return tuple(part for part in (self.up, self.down) if part is not None)

    @property
    def is_repeatable(self) -> bool:
        """Whether it is applied again whenever it changes."""
        return self.migration.version is None


@dataclass(frozen=True, slots=True)
class Flaw:
    """What a rule says, and about which place.

    Attributes:
        message: One sentence.
        hint: What to do about it.
        script: Where it is.
        statement: Which one; ``None`` for the file as a whole.
    """

    message: str
    hint: str
    script: Script
    statement: Statement | None = None


def subjects_of(
    migrations: Sequence[Migration], dialect: Dialect, *, history_table: str, now: datetime
) -> tuple[Subject, ...]:
    """Read every migration of a folder for the rules.

    Takes time in proportion to the files: call it off the event loop.

    Args:
        migrations: All of them, in order: what one of them refers to may be made in another.
        dialect: Whose SQL they are.
        history_table: The name of asyncmig's own table.
        now: An aware time.
    """
    parts = [
        (_part(one, Direction.UP, dialect), _part(one, Direction.DOWN, dialect))
        for one in migrations
    ]
    around = Surroundings(
        dialect=dialect,
        history_table=history_table.lower(),
        now=now,
    )
    formers = (None, *(one.version for one in migrations))
    ups = [up for up, _ in parts]
    references = accumulate(ups, _follow_references, initial=References())
    postponed = _postponed(ups)
    return tuple(
        Subject(migration, up, down, former, known, waiting, around)
        for migration, (up, down), former, known, waiting in zip(
            migrations, parts, formers, references, postponed, strict=False
        )
    )


def _follow_references(known: References, part: Part | None) -> References:
    """Return the foreign keys that there are after a migration."""
    if part is not None:
        for sentence in part.sentences:
            known = known.after(sentence.tokens, part.dialect)
    return known


def _postponed(ups: Sequence[Part | None]) -> Iterable[Postponed]:
    """Return what is left for later in front of each migration; where nothing is, look no further.

    Most folders have no second phase.
    """
    if any(up is not None and up.script.phase is Phase.POST for up in ups):
        return accumulate(ups, _follow_phases, initial=Postponed())
    return repeat(Postponed(), len(ups))


def _follow_phases(known: Postponed, part: Part | None) -> Postponed:
    """Return what is there after a migration, and what is left for later."""
    if part is None:
        return known
    statements = (sentence.tokens for sentence in part.sentences)
    if part.script.phase is Phase.POST:
        return known.behind(statements, part.dialect, part.script.path)
    return known.after(statements, part.dialect)


def _part(migration: Migration, direction: Direction, dialect: Dialect) -> Part | None:
    script = migration.script(direction)
    if not isinstance(script, SqlScript):
        return None
    return Part(direction, script, dialect, tuple(_sentences(script.text, dialect)))


def _sentences(text: str, dialect: Dialect) -> Iterator[Sentence]:
    """Yield the statements with the tables that are new by then."""
    new: set[str] = set()
    for statement in split(text, dialect):
        if statement.is_empty:
            continue
        tokens = _tokens(statement, dialect)
        yield Sentence(statement, tokens, frozenset(new))
        _follow(new, tokens, dialect)


def _follow(new: set[str], tokens: tuple[str, ...], dialect: Dialect) -> None:
    """Note which tables are new after a statement."""
    if made := created_table(tokens, dialect):
        new.add(made)
    elif renamed := renamed_table(tokens, dialect):
        old, name = renamed
        if old in new:
            new.discard(old)
            new.add(name)
    else:
        new.difference_update(dropped_tables(tokens, dialect))


def _tokens(statement: Statement, dialect: Dialect) -> tuple[str, ...]:
    body = statement.body - statement.offset
    found = tuple(islice(tokens_of(statement.text, dialect, body), _MOST_TOKENS))
    return found[:-1] if found[-1:] == (";",) else found
