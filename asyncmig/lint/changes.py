"""Which things a statement makes and takes away: what a later file can and cannot count on.

Where a statement alone does not say it, nothing is said: the columns of ``CREATE TABLE … AS``, what
goes with a ``CASCADE``, what is inside of a function's body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.lint.objects import created_object, dropped_objects, read_kind
from asyncmig.lint.words import Words, behind, commas_apart, in_parentheses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asyncmig.sql import Dialect

TABLE, COLUMN, CONSTRAINT = "TABLE", "COLUMN", "CONSTRAINT"
ROUTINES = frozenset({"AGGREGATE", "FUNCTION", "PROCEDURE"})

_SPACES = {
    **dict.fromkeys(("TABLE", "VIEW", "MATERIALIZED VIEW", "INDEX", "SEQUENCE"), "RELATION"),
    **dict.fromkeys(("TYPE", "DOMAIN"), "TYPE"),
    **dict.fromkeys(ROUTINES, "ROUTINE"),
}
"""Kinds that cannot have the same name, by what they have in common."""

_OF_A_TABLE = frozenset({"POLICY", "RULE", "TRIGGER"})
_TABLE_CONSTRAINTS = frozenset({"CHECK", "UNIQUE", "PRIMARY", "FOREIGN", "EXCLUDE"})
_NO_COLUMNS = _TABLE_CONSTRAINTS | {"CONSTRAINT", "LIKE"}
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})


@dataclass(frozen=True, slots=True)
class Thing:
    """What has a name in a database.

    Two are the same when one could not be made because the other is there: a view and a table of
    one name, not two functions of other numbers of arguments.

    Attributes:
        space: What shares its names.
        name: As the database compares it.
        of: The table of a column, constraint, trigger or policy; how many arguments a routine has.
        kind: TABLE, VIEW and so on.
    """

    space: str
    name: str
    of: str = ""
    kind: str = field(default="", compare=False)

    @classmethod
    def called(cls, kind: str, name: str, of: str = "") -> Thing:
        """Return what is of that kind and has that name."""
        return cls(_SPACES.get(kind, kind), name, of, kind)

    @property
    def last_name(self) -> str:
        """The name without a schema."""
        return self.name.rpartition(".")[2]

    def __str__(self) -> str:
        """Return it for a sentence."""
        known_by_table = self.of and self.kind not in ROUTINES
        return f"{self.kind.lower()} {self.name}" + (f" of {self.of}" if known_by_table else "")


@dataclass(frozen=True, slots=True)
class Change:
    """What a statement does to the names of a database.

    Attributes:
        made: What is there afterwards.
        taken: What is not there any more.
        renamed: What has another name afterwards; both are in the others too.
    """

    made: tuple[Thing, ...] = ()
    taken: tuple[Thing, ...] = ()
    renamed: tuple[tuple[Thing, Thing], ...] = ()

    def and_then(self, other: Change) -> Change:
        """Return both changes as one."""
        return Change(
            self.made + other.made, self.taken + other.taken, self.renamed + other.renamed
        )


def change_of(tokens: Sequence[str], dialect: Dialect) -> Change:
    """Return what a statement makes, takes away and renames."""
    words = Words(tokens, dialect)
    if words.accept("ALTER TABLE"):
        return _of_alter_table(words)
    if words.accept("ALTER"):
        return _of_alter(words, read_kind(words))
    return Change(
        made=tuple(_created(tokens, dialect)),
        taken=tuple(_dropped(tokens, dialect)),
    )


def actions(tokens: Sequence[str], dialect: Dialect) -> Iterator[tuple[str, Words]]:
    """Yield what ALTER TABLE does, with the table; nothing for another statement."""
    words = Words(tokens, dialect)
    if words.accept("ALTER TABLE"):
        table = read_altered(words)
        for action in commas_apart(words.rest):
            yield table, Words(action, dialect)


def read_altered(words: Words) -> str:
    """Read what stands between ALTER TABLE and the actions, and return the table."""
    words.accept("IF EXISTS")
    words.accept("ONLY")
    table = words.name()
    words.accept("*")
    return table


def _of_alter_table(words: Words) -> Change:
    """Read on behind ALTER TABLE."""
    table = read_altered(words)
    if moved := _moved(words, TABLE, table):
        return moved
    change = Change()
    for action in commas_apart(words.rest):
        change = change.and_then(_of_action(Words(action, words.dialect), table))
    return change


def _of_alter(words: Words, kind: str) -> Change:
    """Read on behind ALTER and what is altered: it may get another name."""
    words.accept("IF EXISTS")
    name = words.name()
    if kind in _OF_A_TABLE and words.accept("ON"):
        table = words.name()
        return _renaming(kind, name, words, table) if words.accept("RENAME TO") else Change()
    if kind in ROUTINES:
        return Change()
    return (_moved(words, kind, name) if kind else None) or Change()


def _moved(words: Words, kind: str, name: str) -> Change | None:
    """Return the change when something gets another name, or goes to another schema."""
    if words.accept("RENAME TO"):
        schema, dot, _ = name.rpartition(".")
        return _rename(kind, name, f"{schema}{dot}{words.name()}")
    if words.accept("SET SCHEMA"):
        schema = words.name()
        bare = name.rpartition(".")[2]
        return _rename(kind, name, bare if schema == "public" else f"{schema}.{bare}")
    return None


def _of_action(action: Words, table: str) -> Change:
    """Return what one action of ALTER TABLE does."""
    if action.accept("ADD"):
        return Change(made=tuple(_added(action, table)))
    if action.accept("DROP"):
        kind = action.accept_any(CONSTRAINT, COLUMN) or COLUMN
        action.accept("IF EXISTS")
        return Change(taken=(Thing.called(kind, action.name(), table),))
    if action.accept("RENAME"):
        kind = action.accept_any(CONSTRAINT, COLUMN) or COLUMN
        name = action.name()
        return _renaming(kind, name, action, table) if action.accept("TO") else Change()
    return Change()


def _added(action: Words, table: str) -> Iterator[Thing]:
    """Yield what ADD adds."""
    if action.accept(CONSTRAINT):
        yield Thing.called(CONSTRAINT, action.name(), table)
    elif not _TABLE_CONSTRAINTS.intersection(action.rest[:1]):
        action.accept(COLUMN)
        action.accept("IF NOT EXISTS")
        yield Thing.called(COLUMN, action.name(), table)


def _rename(kind: str, old: str, new: str, of: str = "") -> Change:
    pair = Thing.called(kind, old, of), Thing.called(kind, new, of)
    return Change(made=pair[1:], taken=pair[:1], renamed=(pair,))


def _renaming(kind: str, old: str, words: Words, of: str) -> Change:
    """Return the change to the name that comes next."""
    return _rename(kind, old, words.name(), of)


def _created(tokens: Sequence[str], dialect: Dialect) -> Iterator[Thing]:
    """Yield what CREATE makes, a table with its columns; nothing that ends with the session."""
    created = created_object(tokens, dialect)
    if created is None or _TEMPORARY.intersection(tokens[:4]):
        return
    kind, name, _ = created
    yield Thing.called(kind, name, _owner(tokens, dialect, kind))
    if kind == TABLE:
        yield from _columns(tokens, dialect, name)


def _columns(tokens: Sequence[str], dialect: Dialect, table: str) -> Iterator[Thing]:
    """Yield the columns of a new table."""
    if "(" not in tokens or "AS" in tokens[: tokens.index("(")]:
        return
    for definition in commas_apart(in_parentheses(tokens[tokens.index("(") :])):
        column = Words(definition, dialect).name()
        if column and not _NO_COLUMNS.intersection(definition[:1]):
            yield Thing.called(COLUMN, column, table)


def _dropped(tokens: Sequence[str], dialect: Dialect) -> Iterator[Thing]:
    """Yield what DROP takes away. A routine without its arguments may be any."""
    for kind, name in dropped_objects(tokens, dialect):
        of = _owner(tokens, dialect, kind)
        if of or kind not in ROUTINES:
            yield Thing.called(kind, name, of)


def _owner(tokens: Sequence[str], dialect: Dialect, kind: str) -> str:
    """Return what else than its name tells a thing apart."""
    if kind in _OF_A_TABLE:
        return Words(behind(tokens, "ON") or (), dialect).name()
    if kind in ROUTINES and "(" in tokens:
        return str(_how_many(in_parentheses(tokens[tokens.index("(") :])))
    return ""


def _how_many(arguments: Sequence[str]) -> int:
    return len(commas_apart(arguments)) if arguments else 0


def columns_of(table: Thing, things: Iterable[Thing]) -> frozenset[Thing]:
    """Return the columns of a table among what is known."""
    return frozenset(one for one in things if (one.kind, one.of) == (COLUMN, table.name))
