"""Choose whose history is taken over: what a caller says, or what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.adopt.finding import FoundHistory, FoundTable, find_tables, plain, read_history
from asyncmig.adopt.homemade import homemade
from asyncmig.adopt.tools import TOOLS
from asyncmig.errors import SettingsError, TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncmig.adopt.tool import Tool
    from asyncmig.engines.base import Session

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose history a caller wants to take over.

    Attributes:
        tool: The tool's name, or ``auto``.
        table: Its table, where that is not called as usual, or a home-made one; ``schema.table``
            for one that is elsewhere.
        column: The column of a home-made table that has the versions or the names.
        mapped: Versions of files by what the tool calls them.
    """

    tool: str = AUTO
    table: str | None = None
    column: str | None = None
    mapped: Mapping[str, str] = field(default_factory=dict[str, str])

    def candidates(self) -> tuple[Tool, ...]:
        """Return the tools that may be meant.

        Raises:
            SettingsError: There is no such tool, or it is not clear what is meant.
        """
        if self.column is not None:
            if self.table is None or self.tool != AUTO:
                raise SettingsError(
                    "a column is that of a home-made table, which has to be named as well",
                    hint="--from-table TABLE --column COLUMN, without --from",
                )
            return (homemade(self.table, self.column),)
        known = {tool.name: tool for tool in TOOLS}
        if self.tool != AUTO and self.tool not in known:
            raise SettingsError(
                f"there is no tool {self.tool} to adopt from",
                hint=f"auto, {', '.join(known)}; or --from-table TABLE --column COLUMN",
            )
        return TOOLS if self.tool == AUTO else (known[self.tool],)


async def choose(session: Session, wanted: Wanted) -> FoundTable | None:
    """Find the table that is meant; ``None`` when there is none, and none was named.

    Raises:
        SettingsError: There is no such tool.
        TargetError: There is no such table, or there are several.
    """
    found = await _found(session, wanted)
    if found[1:]:
        listed = " and ".join(f"{one.tool.name} ({one.table.label})" for one in found)
        raise TargetError(
            f"this database has histories of {listed}",
            hint=f"say which one is meant: {' or '.join(_choices(found))}",
        )
    if not found and (wanted.tool != AUTO or wanted.table is not None):
        raise TargetError(_absent(wanted), hint=_where(wanted))
    return found[0] if found else None


async def _found(session: Session, wanted: Wanted) -> Sequence[FoundTable]:
    """Return the tables that may be meant. One that says nothing gives way to one that does."""
    found = await find_tables(session, wanted.candidates(), wanted.table)
    found = tuple(filter(_is_usual, found)) or found
    if not found[1:]:
        return found
    histories = [FoundHistory(one, await read_history(session, one)) for one in found]
    return [one.table for one in histories if not one.history.is_empty] or found[:1]


def _is_usual(found: FoundTable) -> bool:
    """Tell whether the tool calls its table so: by the columns alone it could be several tools'."""
    tool = next((tool for tool in TOOLS if tool.name == found.tool.name), found.tool)
    names = {name.rpartition(".")[2] for name in (tool.table, *tool.other_tables)}
    return plain(found.table) in names


def _choices(found: Sequence[FoundTable]) -> list[str]:
    """Return what to say to mean each of them: its tool, unless that has several tables."""
    tools = [one.tool.name for one in found]
    if len(set(tools)) == len(tools):
        return [f"--from {name}" for name in tools]
    return [f"--from-table {one.table.label}" for one in found]


def _absent(wanted: Wanted) -> str:
    if wanted.column is not None:
        return f"there is no table {wanted.table} with a column {wanted.column}"
    if wanted.table is None:
        return f"there is no history of {wanted.tool} in this database"
    whose = "a tool that we know" if wanted.tool == AUTO else wanted.tool
    return f"there is no table {wanted.table} that has the columns of {whose}"


def _where(wanted: Wanted) -> str:
    if wanted.table is None:
        return "if its table is called otherwise, or is elsewhere: --from-table SCHEMA.TABLE"
    if wanted.column is None:
        return "a home-made table needs --column COLUMN: the one that has the versions or the names"
    return "a table outside of the search path is written as SCHEMA.TABLE"
