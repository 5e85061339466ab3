"""Which things a statement names: what it cannot run without.

A name is looked for where the grammar has a place for one of its kind: ``status`` may be a column
here and a table there. What is inside of a string or of a function's body in one is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.lint.changes import COLUMN, CONSTRAINT, actions
from asyncmig.lint.objects import KINDS
from asyncmig.lint.tables import referenced_tables, touched_tables
from asyncmig.lint.words import Words, behind, in_parentheses, is_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asyncmig.lint.changes import Thing
    from asyncmig.sql import Dialect

_BEFORE_TABLES = frozenset({"FROM", "JOIN", "INTO", "INHERITS", "LIKE", "TABLE", "VIEW"})
_USING = frozenset({"USING"})
_JOINS_BY_USING = frozenset({"DELETE", "MERGE"})
_BEFORE_ROUTINES = frozenset({"CALL", "EXECUTE", "FUNCTION", "PROCEDURE", "ROUTINE"})
_BEFORE_TYPES = frozenset({"TYPE", "RETURNS", "SETOF", "ARRAY"})
_NOT_CALLED = frozenset({"INTO", "TABLE", "REFERENCES", "ON", "EXISTS", "VIEW", "JOIN", "INDEX"})
_NO_COLUMN_BEFORE_TYPE = frozenset(
    {"ADD", "ALTER", COLUMN, "DROP", "EXISTS", "RENAME", "TO", "AS", "KEY", "SELECT"}
)
_DEFINES = frozenset({"CREATE", "ALTER", "DROP"})
_ROWS_OF_A_STATEMENT = ("new", "old", "excluded")


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a statement names.

    Attributes:
        tokens: Its words.
        dialect: Whose words they are.
        tables: Tables, views and other relations.
        aliases: What else the statement calls them.
    """

    tokens: tuple[str, ...] = field(repr=False)
    dialect: Dialect
    tables: frozenset[str]
    aliases: frozenset[tuple[str, str]]

    def has(self, thing: Thing, others: Iterable[Thing]) -> bool:
        """Tell whether a statement needs a thing.

        Args:
            thing: Which.
            others: What else it may mean: a column of another table, another function.
        """
        if thing.space == COLUMN:
            return thing.of in self.tables and self._has_column(thing, others)
        if thing.space == "RELATION" and thing.name in self.tables:
            return True
        if thing.space == "SCHEMA" and thing.name in self._schemas():
            return True
        if thing.space == "TYPE" and any(self._types(thing.name)):
            return True
        if thing.space == "ROUTINE":
            is_there = any((o.space, o.name) == (thing.space, thing.name) for o in others)
            return not is_there and any(self._calls(thing.name))
        return self._names_its_kind(thing)

    def _names_its_kind(self, thing: Thing) -> bool:
        """Tell whether a thing is named behind its kind, on its table if it belongs to one."""
        on = Words(behind(self.tokens, "ON") or (), self.dialect).name()
        owners = self.tables if thing.space == CONSTRAINT else {"", on}
        return thing.of in owners and thing.name in self._behind_kind(thing.kind)

    def alters(self, thing: Thing) -> bool:
        """Tell whether a statement alters a thing, drops it, or puts an index and the like on it.

        Whoever makes the thing anew afterwards would undo that, or not find what is expected.
        """
        if not _DEFINES.intersection(self.tokens[:1]):
            return False
        touched = touched_tables(self.tokens, self.dialect)
        if thing.space == "RELATION":
            return thing.name in touched or thing.name in self._behind_kind(thing.kind)
        if thing.space == COLUMN:
            return thing.of in touched and thing.name in self._certain_columns(thing.of)
        return self.has(thing, ())

    def _behind_kind(self, kind: str) -> frozenset[str]:
        """Return the names behind such a word: DROP INDEX a, b; VALIDATE CONSTRAINT c.

        But not what is made: that is no need.
        """
        found: set[str] = set()
        words = tuple(kind.split())
        for at in range(1, len(self.tokens)):
            if tuple(self.tokens[at : at + len(words)]) != words:
                continue
            if self.tokens[at - 1] in {"ADD", ",", "("}:
                continue
            rest = Words(self.tokens[at + len(words) :], self.dialect)
            rest.accept("CONCURRENTLY")
            rest.accept("IF EXISTS")
            found.update(rest.names())
        return frozenset(found)

    def _schemas(self) -> frozenset[str]:
        """Return the schemas of what is named, and of what is made in them."""
        named = {table.partition(".")[0] for table in self.tables if "." in table}
        if self.tokens[0] == "CREATE":
            rest = Words(self.tokens, self.dialect)
            while rest.accept_any("CREATE", "OR REPLACE", *KINDS, "IF NOT EXISTS"):
                pass
            schema, dot, _ = rest.name().partition(".")
            named |= {schema} if dot else set()
        return frozenset(named) | self._behind_kind("SCHEMA")

    def _calls(self, name: str) -> Iterator[bool]:
        """Tell for each place that has the name whether a function is called there, or altered."""
        for at, behind_it in self._places(name):
            before = self.tokens[at - 1] if at else ""
            opens = self.tokens[behind_it : behind_it + 1] == ("(",)
            yield (opens and before not in _NOT_CALLED) or before in _BEFORE_ROUTINES

    def _types(self, name: str) -> Iterator[bool]:
        """Tell for each place that has the name whether it is that of a type."""
        for at, _ in self._places(name):
            before = self.tokens[at - 1] if at else ""
            is_cast = self.tokens[max(at - 2, 0) : at] == (":", ":")
            is_cast = is_cast or (before == "AS" and "CAST" in self.tokens[:at])
            is_of_column = (
                self.tokens[0] in _DEFINES
                and is_name(before)
                and before not in _NO_COLUMN_BEFORE_TYPE
            )
            yield is_cast or is_of_column or before in _BEFORE_TYPES

    def _places(self, name: str) -> Iterator[tuple[int, int]]:
        """Yield where a name begins and ends."""
        at = 0
        while at < len(self.tokens):
            found, width = _read_name(self.tokens[at:], self.dialect)
            if found == name:
                yield at, at + width
            at += max(width, 1)

    def _has_column(self, column: Thing, others: Iterable[Thing]) -> bool:
        """Tell whether a column of a table that the statement names is among its words."""
        if column.name in self._certain_columns(column.of):
            return True
        if self.tokens[:2] in {("ALTER", "TABLE"), ("CREATE", "TABLE")} and "AS" not in self.tokens:
            return False
        rivals = {one.of for one in others if (one.space, one.name) == (COLUMN, column.name)}
        is_plain = rivals.isdisjoint(self.tables - {column.of})
        return any(
            self._means(qualifier, column.of, is_plain=is_plain)
            for qualifier in self._qualifiers(column.name)
        )

    def _means(self, qualifier: str, table: str, *, is_plain: bool) -> bool:
        """Tell whether what stands in front of a column is that table."""
        if not qualifier:
            return is_plain
        return qualifier in {table, table.rpartition(".")[2]} or (qualifier, table) in self.aliases

    def _qualifiers(self, column: str) -> Iterator[str]:
        """Yield what stands in front of a column wherever it is used; nothing where it is made."""
        at = 0
        while at < len(self.tokens):
            found, width = _read_name(self.tokens[at:], self.dialect)
            qualifier, _, name = found.rpartition(".")
            is_made = at > 0 and self.tokens[at - 1] == "AS"
            is_called = self.tokens[at + width : at + width + 1] == ("(",)
            if name == column and not is_made and not is_called:
                yield qualifier
            at += max(width, 1)

    def _certain_columns(self, table: str) -> frozenset[str]:
        """Return the names where nothing but a column of that table can stand."""
        found = {name for owner, name in _references(self) if owner == table}
        for owner, action in actions(self.tokens, self.dialect):
            if owner == table:
                found.update(_columns_of_action(action))
        rest = Words(behind(self.tokens, "INTO") or (), self.dialect)
        if rest.name() == table:
            found.update(_names_in(rest.rest, self.dialect))
        return frozenset(found)


def mentions_of(tokens: Sequence[str], dialect: Dialect) -> Mentions:
    """Return what a statement names."""
    touched = touched_tables(tokens, dialect)
    tables = {*touched, *referenced_tables(tokens, dialect), _commented(tokens, dialect)}
    aliases = {(row, table) for table in touched[:1] for row in _ROWS_OF_A_STATEMENT}
    joins_by_using = not _JOINS_BY_USING.isdisjoint(tokens[:1])
    before = _BEFORE_TABLES | _USING if joins_by_using else _BEFORE_TABLES
    for at, token in enumerate(tokens):
        if token in before and not (at and tokens[at - 1] == "DISTINCT"):
            listed = list(_listed(tokens[at + 1 :], dialect))
            tables.update(table for table, _ in listed)
            aliases.update((alias, table) for table, alias in listed if alias)
    if tokens[:1] == ("UPDATE",):
        aliases.update((alias, table) for table, alias in _listed(tokens[1:], dialect))
    return Mentions(tuple(tokens), dialect, frozenset(tables - {""}), frozenset(aliases))


def _commented(tokens: Sequence[str], dialect: Dialect) -> str:
    """Return the table of COMMENT ON COLUMN, empty for another statement."""
    words = Words(tokens, dialect)
    return words.name().rpartition(".")[0] if words.accept("COMMENT ON COLUMN") else ""


def _listed(tokens: Sequence[str], dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield the tables of a list, each with the word behind it, which may be its alias."""
    words = Words(tokens, dialect)
    words.accept("(")
    words.accept("IF EXISTS")
    words.accept("ONLY")
    while table := words.name():
        words.accept("AS")
        alias = words.name() if words.rest[:1] != (",",) else ""
        yield table, alias
        if not words.accept(","):
            return


def _references(mentions: Mentions) -> Iterator[tuple[str, str]]:
    """Yield the columns that foreign keys refer to, with their tables."""
    for at, token in enumerate(mentions.tokens):
        if token == "REFERENCES":  # noqa: S105 - no password
            words = Words(mentions.tokens[at + 1 :], mentions.dialect)
            table = words.name()
            yield from ((table, name) for name in _names_in(words.rest, mentions.dialect))


def _columns_of_action(action: Words) -> Iterator[str]:
    """Yield the columns that one action of ALTER TABLE needs."""
    if action.accept_any("ALTER", "DROP", "RENAME"):
        if action.rest[:1] not in {(CONSTRAINT,), ("TO",)}:
            action.accept(COLUMN)
            action.accept("IF EXISTS")
            yield action.name()
    elif action.accept("ADD"):
        own = action.rest[: _index(action.rest, "REFERENCES")]
        if "(" in own:
            yield from _names_in(own[_index(own, "(") :], action.dialect)


def _index(tokens: Sequence[str], token: str) -> int:
    return tokens.index(token) if token in tokens else len(tokens)


def _names_in(tokens: Sequence[str], dialect: Dialect) -> Iterator[str]:
    """Yield all names inside of the parenthesis that comes next; none without one."""
    if tokens[:1] == ("(",):
        for token in in_parentheses(tokens):
            if is_name(token):
                yield _read_name((token,), dialect)[0]


def _read_name(tokens: Sequence[str], dialect: Dialect) -> tuple[str, int]:
    """Return the name that comes next, and how many tokens it has; none for what is no name."""
    words = Words(tokens[:5], dialect)
    name = words.name()
    return name, min(len(tokens), 5) - len(words.rest)
