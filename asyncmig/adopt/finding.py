"""See whose histories are in a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.adopt.tools import TOOLS
from asyncmig.errors import ForeignHistoryError
from asyncmig.foreign import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asyncmig.adopt.tool import ForeignHistory, Rows, Tool
    from asyncmig.engines.base import Session
    from asyncmig.foreign import ForeignTable


@dataclass(frozen=True, slots=True)
class FoundTable:
    """The history table of another tool.

    Attributes:
        tool: Whose it is.
        table: The table.
        beside: The tables beside it that have to be read, too.
    """

    tool: Tool
    table: ForeignTable
    beside: tuple[ForeignTable, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What to read: the table itself, then those beside it."""
        optional = (column for column in self.tool.optional if column in self.table.columns)
        ours = Reading(self.table, (*self.tool.columns, *optional))
        more = (Reading(table, self.tool.beside[plain(table)]) for table in self.beside)
        return (ours, *more)

    @property
    def locks(self) -> tuple[int, ...]:
        """The advisory locks that the tool takes while it runs."""
        return self.tool.locks(self.table)

    def history(self, found: Sequence[Rows]) -> ForeignHistory:
        """Return what the rows of all readings say."""
        more = dict(zip(map(plain, self.beside), found[1:], strict=True))
        return self.tool.interpret(found[0], more)


@dataclass(frozen=True, slots=True)
class FoundHistory:
    """What another tool has written about a database.

    Attributes:
        table: Where.
        history: What.
    """

    table: FoundTable
    history: ForeignHistory

    @property
    def description(self) -> str:
        """The tool and its table, for messages."""
        return f"{self.table.tool.name} ({self.table.table.label})"


def plain(table: ForeignTable) -> str:
    """Return the name of a table as the tools write it; SQLite's may be in upper case."""
    return table.name if table.database else table.name.lower()


async def find_tables(
    session: Session, tools: Iterable[Tool] = TOOLS, table: str | None = None
) -> tuple[FoundTable, ...]:
    """Find the history tables of other tools, with one query; none of them is read.

    Args:
        session: A visit to the database.
        tools: Which tools.
        table: What the table is called; ``None`` for what each of them calls it.
    """
    tools = tuple(tools if table is None else (tool.called(table) for tool in tools))
    names = {name for tool in tools for name in _names(tool)}
    return recognised(await session.find_tables(sorted(names)), tools)


async def find_histories(session: Session) -> tuple[FoundHistory, ...]:
    """Find what other tools have written about a database; an empty table says nothing.

    Writes nothing and takes no lock. It takes one query, and one more for each table that is there.
    """
    tables = await find_tables(session)
    found = [FoundHistory(table, await read_history(session, table)) for table in tables]
    return tuple(one for one in found if not one.history.is_empty)


async def read_history(session: Session, table: FoundTable) -> ForeignHistory:
    """Read what another tool has written, without its lock."""
    return table.history([await session.read_table(reading) for reading in table.readings])


def not_adopted(found: Sequence[FoundHistory]) -> ForeignHistoryError:
    """Return the error for a run on a database whose history is another tool's."""
    whose = " and of ".join(one.description for one in found)
    first = found[0].table
    return ForeignHistoryError(
        f"this database has a history of {whose}, and none of asyncmig",
        hint="take it over with `asyncmig adopt` (look first: `asyncmig adopt --dry-run`), or say "
        "what is there with --baseline none, latest or VERSION",
        tool=first.tool.name,
        table=first.table.label,
    )


def recognised(tables: Sequence[ForeignTable], tools: Iterable[Tool]) -> tuple[FoundTable, ...]:
    """Tell whose tables are whose, by their names, their columns, and what is beside them."""
    by_name: dict[tuple[str, str], ForeignTable] = {
        (table.schema, plain(table)): table for table in tables
    }
    return tuple(
        FoundTable(tool, table, _beside(tool, table, by_name))
        for tool in tools
        for table in tables
        if _is_of(tool, table, by_name)
    )


def _is_of(
    tool: Tool, table: ForeignTable, by_name: Mapping[tuple[str, str], ForeignTable]
) -> bool:
    if not any(_is_called(table, name) for name in (tool.table, *tool.other_tables)):
        return False
    if not tool.recognises(table):
        return False
    neighbours = {name for home, name in by_name if home == table.schema}
    return neighbours.issuperset(tool.needs) and neighbours.isdisjoint(tool.excludes)


def _is_called(table: ForeignTable, name: str) -> bool:
    """Tell whether a table has that name, and is in that schema if one is written in front."""
    schema, _, relation = name.rpartition(".")
    return plain(table) == relation and schema in {"", table.schema if table.database else schema}


def _beside(
    tool: Tool, table: ForeignTable, by_name: Mapping[tuple[str, str], ForeignTable]
) -> tuple[ForeignTable, ...]:
    places = ((table.schema, name) for name in tool.beside)
    return tuple(by_name[place] for place in places if place in by_name)


def _names(tool: Tool) -> tuple[str, ...]:
    """Return all the tables that have to be looked for to recognise a tool's."""
    schema, dot, _ = tool.table.rpartition(".")
    beside = (f"{schema}{dot}{name}" for name in tool.beside)
    return (tool.table, *tool.other_tables, *tool.needs, *tool.excludes, *beside)
