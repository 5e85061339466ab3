"""The history table in SQL, as commands that run with parameters or stand in a script.

Every name is qualified with ``main.``: a temporary table of the same name changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from asyncmig.engines.rows import ACTIVE_KEY, COLUMNS, progress_text, values_of
from asyncmig.glance import NATURE, PARTICULARS, USUAL
from asyncmig.history import RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.engines.base import Runner
    from asyncmig.history import Edit, HistoryEntry, NewRow, Progress

Value = str | int | None

NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
"""The server's clock, which here is this machine's: UTC, to the millisecond."""

ELAPSED = "CAST(round((julianday('now') - julianday(started_at)) * 86400000) AS INTEGER)"

_TYPES = {"id": "INTEGER PRIMARY KEY", "format": "INTEGER", "duration_ms": "INTEGER"} | {
    "pid": "INTEGER",
    "down_transaction": "INTEGER",
}
_NULLABLE = frozenset({"version", "finished_at", "duration_ms", "down_sql", "progress", "failure"})


@dataclass(frozen=True, slots=True)
class Command:
    """A statement about the history.

    Attributes:
        sql: The statement, with ``:name`` for each value.
        values: The values by name.
    """

    sql: str
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @property
    def literal(self) -> str:
        """The statement for a script, with the values written into it."""
        return re.sub(r":([a-z_]+)\b", self._literal_of, self.sql)

    def _literal_of(self, found: re.Match[str]) -> str:
        name = found[1]
        return literal(self.values[name]) if name in self.values else found[0]


@dataclass(frozen=True, slots=True)
class Table:
    """The history table of one database.

    Attributes:
        name: As the user spells it.
    """

    name: str

    @property
    def qualified(self) -> str:
        """The name for a statement."""
        return f"main.{identifier(self.name)}"

    def create(self) -> tuple[Command, ...]:
        """Make the table and its fence, unless they are there."""
        columns = ",\n  ".join(_column(name) for name in COLUMNS)
        index = identifier(f"{self.name}_active")
        active = ", ".join(literal(state) for state in (RowState.APPLYING, RowState.APPLIED))
        return (
            Command(f"CREATE TABLE IF NOT EXISTS {self.qualified} (\n  {columns}\n)"),
            Command(
                f"CREATE UNIQUE INDEX IF NOT EXISTS main.{index} ON {identifier(self.name)} "
                f"({ACTIVE_KEY}, direction)\n  WHERE state IN ({active}) AND kind <> 'baseline'"
            ),
        )

    def every_row(self) -> Command:
        """Select the whole history, as text, oldest row first.

        ``+id`` is the column; ``id`` alone would be the text selected under that name, and "9"
        sorts behind "10".
        """
        return Command(f"SELECT {_AS_TEXT} FROM {self.qualified} ORDER BY +{self.qualified}.id")

    def rows_since(self, entry_id: int) -> Command:
        """Select the rows from that id on, and those that are not finished."""
        since = f"id >= :id OR state = '{RowState.APPLYING.value}'"
        return Command(f"SELECT {_AS_TEXT} FROM {self.qualified} WHERE {since}", {"id": entry_id})

    def glance(self) -> Command:
        """Select of every row only what tells whether anything is to be done.

        All columns are named, though: a table that lacks one is no history.
        """
        rows = f"SELECT {', '.join(COLUMNS)} FROM {self.qualified}"
        return Command(f"SELECT {_TRACE} FROM ({rows})")

    def no_row(self) -> Command:
        """Select nothing, which fails as :meth:`glance` does."""
        return Command(f"SELECT {', '.join(COLUMNS)} FROM {self.qualified} LIMIT 0")

    def row(self, entry_id: int) -> Command:
        """Select one row, as text."""
        return Command(f"SELECT {_AS_TEXT} FROM {self.qualified} WHERE id = :id", {"id": entry_id})

    def newest_format(self) -> Command:
        """Select the newest format that any row is of."""
        return Command(f"SELECT max(CAST(format AS INTEGER)) FROM {self.qualified}")

    @property
    def residents(self) -> Command:
        """Select the names of the tables and views that are neither ours nor SQLite's own.

        In a database that has another history of asyncmig, such as that of a library, they are that
        one's. Only plain tables are asked for their columns: of a view that calls a function of the
        application, or a table of a module that is not loaded, SQLite cannot tell them.
        """
        columns = ", ".join(map(literal, COLUMNS))
        return Command(
            "WITH others AS (SELECT name, type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %' AS "
            "is_plain FROM main.sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND lower(name) <> lower(:ours)) "
            "SELECT name FROM others WHERE NOT EXISTS (SELECT 1 FROM others AS o, "
            f"pragma_table_info(o.name) AS c WHERE o.is_plain AND c.name IN ({columns}) "
            f"GROUP BY o.name HAVING count(*) = {len(COLUMNS)}) ORDER BY name",
            {"ours": self.name},
        )

    @property
    def generation(self) -> str:
        """A query for the generation of the history: one row with two numbers."""
        return (
            "SELECT coalesce(max(id), 0) AS newest, "
            "count(CASE WHEN state = 'applying' THEN 1 END) AS unfinished "
            f"FROM {self.qualified}"
        )

    def insert(self, entry_id: int, row: NewRow, runner: Runner) -> Command:
        """Append a row; one that is not ``applying`` is finished at once."""
        finished = row.state is not RowState.APPLYING
        fixed: dict[str, Value] = {"id": entry_id, "duration_ms": 0 if finished else None}
        values = {**values_of(row, runner), **fixed, "username": ""}
        return Command(_insert(self.qualified, NOW, NOW if finished else "NULL"), values)

    def append(self, entry: HistoryEntry, row: NewRow, runner: Runner) -> Command:
        """Append a row that is finished, with the times that are known here."""
        fixed: dict[str, Value] = {
            "id": entry.id,
            "username": entry.user,
            "started_at": _instant(entry.started_at),
            "finished_at": _instant(entry.finished_at) if entry.finished_at else None,
            "duration_ms": entry.duration_ms,
        }
        values = {**values_of(row, runner), **fixed}
        return Command(_insert(self.qualified, ":started_at", ":finished_at"), values)

    def insert_done(self, entry_id: int, row: NewRow, runner: Runner) -> Command:
        """Append a row for what was done before, now or at that time; nobody knows how long."""
        done = None if row.finished_at is None else _instant(row.finished_at)
        fixed: dict[str, Value] = {"id": entry_id, "duration_ms": None, "username": "", "at": done}
        at = f"coalesce(:at, {NOW})"
        return Command(_insert(self.qualified, at, at), {**values_of(row, runner), **fixed})

    def take_over(self, entry_id: int, row: NewRow, runner: Runner) -> Command:
        """Go on with an unfinished row: the rest of the file may have been corrected."""
        kept = {"state", "progress", "failure", "format", "kind", "direction", "version", "origin"}
        values = {name: v for name, v in values_of(row, runner).items() if name not in kept}
        shown = ", ".join(f"{name} = :{name}" for name in values)
        return Command(f"{self._update} {shown} WHERE id = :id", {**values, "id": entry_id})

    def retire(self, edit: Edit) -> tuple[Command, ...]:
        """Say of the row that an edit replaces, if it does, that it is over."""
        if edit.retires is None:
            return ()
        values: dict[str, Value] = {"state": edit.retired_as.value, "id": edit.retires}
        return (Command(f"{self._update} state = :state WHERE id = :id", values),)

    def finish(self, entry_id: int, state: RowState, duration_ms: int | None) -> Command:
        """Say that a row is done; a script lets SQLite reckon the duration."""
        spent = ELAPSED if duration_ms is None else ":duration_ms"
        return Command(
            f"{self._update} state = :state, finished_at = {NOW}, duration_ms = {spent} "
            "WHERE id = :id",
            {"state": state.value, "duration_ms": duration_ms, "id": entry_id},
        )

    def progress(self, entry_id: int, progress: Progress | None) -> Command:
        """Say how far a migration got that commits more than once; ``None`` for nobody knows."""
        text = None if progress is None else progress_text(progress)
        values: dict[str, Value] = {"progress": text, "id": entry_id}
        return Command(f"{self._update} progress = :progress WHERE id = :id", values)

    @property
    def _update(self) -> str:
        return f"UPDATE {self.qualified} SET"


# Without `AS id`: ORDER BY id would then mean the text, and put 10 in front of 2.
_AS_TEXT = ", ".join(f"CAST({column} AS TEXT)" for column in COLUMNS)
# The usual nature is not put together for each row anew: that would be a third of the time.
_IS_USUAL = " AND ".join(
    f"{column} = '{word}'" for column, word in zip(NATURE, USUAL.split("\t"), strict=True)
)
_NATURE = f"CASE WHEN {_IS_USUAL} THEN '{USUAL}' ELSE {' || char(9) || '.join(NATURE)} END"
_TRACE = ", ".join([_NATURE, *(f"CAST({column} AS TEXT)" for column in PARTICULARS)])


@cache
def _insert(qualified: str, started_at: str, finished_at: str) -> str:
    clock = {"started_at": started_at, "finished_at": finished_at}
    shown = ", ".join(clock.get(column, f":{column}") for column in COLUMNS)
    return f"INSERT INTO {qualified} ({', '.join(COLUMNS)})\nVALUES ({shown})"


def now() -> datetime:
    """Return the time as :data:`NOW` does, which is the same clock: UTC, to the millisecond."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _instant(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _column(name: str) -> str:
    null = "" if name in _NULLABLE or name == "id" else " NOT NULL"
    return f"{name} {_TYPES.get(name, 'TEXT')}{null}"


def identifier(name: str) -> str:
    """Return a name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """Return a value as SQL spells it.

    SQLite knows no escapes inside a string but the doubled quote; a null character, which would
    end the script, becomes part of a blob.
    """
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if "\0" in value:
        return f"CAST(X'{value.encode().hex()}' AS TEXT)"
    return "'" + value.replace("'", "''") + "'"
