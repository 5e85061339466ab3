"""What is not done yet while migrations wait: those of ``phase:post`` run after all the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from asyncmig.lint.changes import COLUMN, TABLE, Change, Thing, change_of, columns_of
from asyncmig.lint.mentions import mentions_of
from asyncmig.lint.words import folded, is_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from asyncmig.sql import Dialect


class Fate(StrEnum):
    """What a migration that waits will do to a thing."""

    BRINGS = "brings"
    REMAKES = "remakes"
    TAKES = "takes"


@dataclass(frozen=True, slots=True)
class Debt:
    """Something that a migration that waits has not done yet.

    Attributes:
        thing: To what.
        fate: What it will do.
        path: The file of the migration.
    """

    thing: Thing
    fate: Fate
    path: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """What is there when nothing that waits has run, and what that would change.

    Attributes:
        there: What the migrations that do not wait have made.
        debts: What those that wait would do.
    """

    there: frozenset[Thing] = frozenset()
    debts: Mapping[Thing, Debt] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, statements: Iterable[Sequence[str]], dialect: Dialect) -> Postponed:
        """Return what is there after a migration that does not wait."""
        made, taken = _net(statements, dialect, self.there)
        left = {
            thing: debt
            for thing, debt in self.debts.items()
            if thing not in made or debt.fate is not Fate.BRINGS
        }
        return Postponed((self.there - taken) | made, MappingProxyType(left))

    def behind(self, statements: Iterable[Sequence[str]], dialect: Dialect, path: str) -> Postponed:
        """Return what is owed when one more migration waits."""
        made, taken = _net(statements, dialect, self.there)
        before = self.there | taken
        fates = {
            **dict.fromkeys(taken - made, Fate.TAKES),
            **dict.fromkeys(made & before, Fate.REMAKES),
            **dict.fromkeys(made - before, Fate.BRINGS),
        }
        debts = {
            thing: Debt(thing, fate, path)
            for thing, fate in fates.items()
            if thing.name and not _is_guess(thing, fate, fates, self.there)
        }
        return replace(self, debts=MappingProxyType({**self.debts, **debts}))

    def owed(self, tokens: Sequence[str], dialect: Dialect) -> Iterator[Debt]:
        """Yield what a statement takes for done; of tables before their columns."""
        spoken = {folded(token, dialect) for token in tokens if is_name(token)}
        debts = [debt for debt in self.debts.values() if debt.thing.last_name in spoken]
        if not debts:
            return
        made = change_of(tokens, dialect).made
        yield from (self.debts[thing] for thing in made if thing in self.debts)
        mentions = mentions_of(tokens, dialect)
        for debt in sorted(debts, key=lambda one: one.thing.kind == COLUMN):
            others = chain(self.there, made)
            needs = debt.fate is Fate.BRINGS and mentions.has(debt.thing, others)
            undone = debt.fate is Fate.REMAKES and mentions.alters(debt.thing)
            if needs or undone:
                yield debt


def _net(
    statements: Iterable[Sequence[str]], dialect: Dialect, there: frozenset[Thing]
) -> tuple[frozenset[Thing], frozenset[Thing]]:
    """Return what a migration leaves behind that it made, and what it took of what was there."""
    made: set[Thing] = set()
    taken: set[Thing] = set()
    for tokens in statements:
        change = change_of(tokens, dialect)
        if any(thing.kind == TABLE for thing in change.taken):
            change = _with_columns(change, made | (there - taken))
        taken.update(thing for thing in change.taken if thing not in made)
        made.difference_update(change.taken)
        made.update(change.made)
    return frozenset(made), frozenset(taken)


def _with_columns(change: Change, there: Iterable[Thing]) -> Change:
    """Return a change with the columns that go, and are renamed, with their tables."""
    gone = [
        column
        for table in change.taken
        if table.kind == TABLE
        for column in columns_of(table, there)
    ]
    names = {old.name: new.name for old, new in change.renamed if old.kind == TABLE}
    moved = [replace(column, of=names[column.of]) for column in gone if column.of in names]
    return replace(change, made=(*change.made, *moved), taken=(*change.taken, *gone))


def _is_guess(
    thing: Thing, fate: Fate, fates: Mapping[Thing, Fate], there: frozenset[Thing]
) -> bool:
    """Tell whether a column may have been there before: of a table that the files do not make.

    When such a table is made anew, nobody knows which of its columns are new.
    """
    if thing.kind != COLUMN or fate is not Fate.BRINGS:
        return False
    table = Thing.called(TABLE, thing.of)
    return fates.get(table) is Fate.REMAKES and not columns_of(table, there)
