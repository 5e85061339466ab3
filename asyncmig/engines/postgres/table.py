"""The statements about the history table, every name in them qualified.

A hostile or an empty ``search_path`` changes nothing: schemas are always written, also those of
functions, types and operators.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.rows import ACTIVE_KEY, COLUMNS
from asyncmig.glance import NATURE, PARTICULARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.history import Generation

Value = str | int | None
"""What a column of the history may get."""

DEFAULT_SCHEMA = "public"

EQUALS = "OPERATOR(pg_catalog.=)"
"""The operator, whatever stands in front of pg_catalog in the search path."""

_LONGEST_NAME = 63
_TYPES = {
    "id": "bigint PRIMARY KEY",
    "format": "smallint NOT NULL",
    "version": "pg_catalog.text",
    "started_at": "pg_catalog.timestamptz NOT NULL",
    "finished_at": "pg_catalog.timestamptz",
    "duration_ms": "bigint",
    "pid": "integer NOT NULL",
    "down_sql": "pg_catalog.text",
    "down_transaction": "smallint NOT NULL",
    "progress": "pg_catalog.text",
    "failure": "pg_catalog.text",
}
_ACTIVE_KEY = ACTIVE_KEY.replace("ltrim", "pg_catalog.ltrim").replace(
    "||", "OPERATOR(pg_catalog.||)"
)
_NOW = "pg_catalog.clock_timestamp()"


def quoted(identifier: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def suffixed(identifier: str, suffix: str) -> str:
    """Return a longer identifier in double quotes, cut short in the middle where it must be."""
    return quoted(_suffixed(identifier, suffix))


def _suffixed(identifier: str, suffix: str) -> str:
    room = _LONGEST_NAME - len(suffix)
    return identifier.encode()[:room].decode(errors="ignore") + suffix


def literal(value: Value) -> str:
    """Return a literal that no setting of the server reads differently."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value.replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def milliseconds_since(instant: str) -> str:
    """Return SQL for how long ago a point in time is."""
    return (
        f"(EXTRACT(epoch FROM {_NOW} OPERATOR(pg_catalog.-) {instant}) "
        "OPERATOR(pg_catalog.*) 1000)::bigint"
    )


def instant(expression: str) -> str:
    """Return SQL for a point in time as ISO 8601 in UTC, whatever DateStyle says."""
    return (
        f"pg_catalog.to_char(pg_catalog.timezone('UTC', {expression}), "
        '\'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\')'
    )


SHOWN = ", ".join(instant(c) if c in {"started_at", "finished_at"} else c for c in COLUMNS)
"""A whole row, every value as text that no setting changes."""

PLAIN = ", ".join(COLUMNS)
AS_ISO = "SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC';"
"""A whole row, where the instants are plain by the settings of a transaction that ends with that:
the server works less than by spelling them out."""

ITS_OWN = "started_at, finished_at, duration_ms, username"
"""What only the server knows of a row that a runner has written; see :data:`AS_ISO`."""


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """The history table of one schema, and the SQL about it.

    Attributes:
        schema: Its schema.
        name: Its name.
    """

    schema: str
    name: str

    @property
    def qualified(self) -> str:
        """``"schema"."table"``."""
        return f"{self.quoted_schema}.{quoted(self.name)}"

    @property
    def of_locks(self) -> str:
        """The table beside it whose rows are locked where there are no advisory locks."""
        return f"{self.quoted_schema}.{quoted(self.name_of_locks)}"

    @property
    def name_of_locks(self) -> str:
        """The bare name of :attr:`of_locks`."""
        return _suffixed(self.name, "_lock")

    @property
    def quoted_schema(self) -> str:
        """``"schema"``."""
        return quoted(self.schema)

    @property
    def lock_key(self) -> int:
        """The advisory lock's 64-bit key: a hash of schema and table.

        Advisory locks are per database already, and names in URLs differ behind poolers.
        """
        digest = hashlib.sha256(f"asyncmig:{self.schema}.{self.name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    @property
    def create(self) -> str:
        """Create the table and the index that is the last fence."""
        return "; ".join(self._create(""))

    @property
    def create_if_absent(self) -> str:
        """Create what is not there of the schema, the table and the index. Not for races."""
        schema = (
            "DO $asyncmig$ BEGIN IF pg_catalog.to_regnamespace("
            f"{literal(self.quoted_schema)}) IS NULL THEN CREATE SCHEMA {self.quoted_schema}; "
            "END IF; END $asyncmig$"
        )
        return ";\n".join((schema, *self._create("IF NOT EXISTS ")))

    def _create(self, unless: str) -> tuple[str, str, str]:
        columns = ", ".join(f"{c} {_TYPES.get(c, 'pg_catalog.text NOT NULL')}" for c in COLUMNS)
        fence = (
            f"CREATE UNIQUE INDEX {unless}{suffixed(self.name, '_active')} "
            f"ON {self.qualified} (({_ACTIVE_KEY}), direction) "
            f"WHERE state {EQUALS} ANY ('{{applying,applied}}') "
            "AND kind OPERATOR(pg_catalog.<>) 'baseline'"
        )
        return (
            f"CREATE TABLE {unless}{self.qualified} ({columns})",
            fence,
            f"COMMENT ON TABLE {self.qualified} IS 'history of asyncmig; rows are never deleted'",
        )

    # --- reading ------------------------------------------------------------------------------

    def select(self, entry_id: int | None = None) -> str:
        """Read every row in order, or the one with that id."""
        chosen = "ORDER BY id" if entry_id is None else f"WHERE id {EQUALS} {entry_id}"
        return f"SELECT {SHOWN} FROM {self.qualified} {chosen}"

    def select_since(self, entry_id: int) -> str:
        """Read the rows from that id on, and those that are not finished."""
        since = f"id OPERATOR(pg_catalog.>=) {entry_id} OR state {EQUALS} 'applying'"
        return f"SELECT {SHOWN} FROM {self.qualified} WHERE {since}"

    @property
    def glance(self) -> str:
        """What COPY is to read of every row: only what tells whether anything is to be done.

        The table itself and not a query: there is nothing to plan, which takes half of the time,
        and no code of an owner to run. The rows come in no order.
        """
        return f"{self.qualified} ({', '.join((*NATURE, *PARTICULARS))})"

    @property
    def generation(self) -> str:
        """Read the two numbers that tell histories apart."""
        return (
            "SELECT coalesce(pg_catalog.max(id), 0), "
            f"pg_catalog.count(*) FILTER (WHERE state {EQUALS} 'applying') FROM {self.qualified}"
        )

    def is_at(self, planned: Generation) -> str:
        """Be true while the history is the one that was planned from.

        No row becomes unfinished but by being appended. So where none was, the newest one tells
        all, and the index finds it as fast in a long history as in a short one.
        """
        newest = f"(SELECT coalesce(pg_catalog.max(id), 0) FROM {self.qualified})"
        is_newest = f"{newest} {EQUALS} {planned.newest_id}"
        if planned.unfinished == 0:
            return f"({is_newest})"
        unfinished = (
            f"(SELECT pg_catalog.count(*) FROM {self.qualified} WHERE state {EQUALS} 'applying')"
        )
        return f"({is_newest} AND {unfinished} {EQUALS} {planned.unfinished})"

    @property
    def find_schema(self) -> str:
        """Read a row if the schema is there: CREATE SCHEMA IF NOT EXISTS asks for more rights."""
        return (
            f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname {EQUALS} {literal(self.schema)}"
        )

    @property
    def elsewhere(self) -> str:
        """Find tables of that name in other schemas."""
        return (
            "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
            f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace "
            f"WHERE c.relname {EQUALS} {literal(self.name)} "
            f"AND c.relkind {EQUALS} ANY ('{{r,p}}') "
            f"AND n.nspname OPERATOR(pg_catalog.<>) {literal(self.schema)} "
            "AND n.nspname OPERATOR(pg_catalog.!~) '^pg_' ORDER BY n.nspname"
        )

    @property
    def has_plain_owner(self) -> str:
        """Be true if the table belongs to who asks, or to the owner of the database.

        What :attr:`owner` asks, as far as can be told without a join, which takes twice the time.
        """
        return (
            f"(SELECT pg_catalog.pg_get_userbyid(c.relowner) {EQUALS} session_user "
            f"OR c.relowner {EQUALS} (SELECT d.datdba FROM pg_catalog.pg_database d "
            f"WHERE d.datname {EQUALS} pg_catalog.current_database()) "
            "FROM pg_catalog.pg_class c "
            f"WHERE c.oid {EQUALS} {literal(self.qualified)}::pg_catalog.regclass)"
        )

    @property
    def owner(self) -> str:
        """Read who owns what goes by the table's name, and whether a superuser must beware of it.

        A table runs code of its owner with the rights of whoever reads or writes it: as a view, by
        triggers, rules, policies, in indexes and casts. Before release 15 everybody may create one
        in ``public`` (PostgreSQL manual, "Schemas", "Usage Patterns"; CVE-2018-1058).
        """
        return (
            "SELECT o.rolname, s.rolsuper AND NOT o.rolsuper "
            "AND d.datdba OPERATOR(pg_catalog.<>) o.oid FROM pg_catalog.pg_class c "
            f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace "
            f"JOIN pg_catalog.pg_roles o ON o.oid {EQUALS} c.relowner "
            f"JOIN pg_catalog.pg_roles s ON s.rolname {EQUALS} session_user "
            f"JOIN pg_catalog.pg_database d ON d.datname {EQUALS} pg_catalog.current_database() "
            f"WHERE n.nspname {EQUALS} {literal(self.schema)} "
            f"AND c.relname {EQUALS} {literal(self.name)}"
        )

    @property
    def rights(self) -> str:
        """Read whether this role may read, append and change rows; no row without a table.

        It looks into pg_class and not at ``to_regclass()``, which may answer from a cache that is
        as old as the transaction: behind a pooler another runner may have just made the table.
        """
        rights = (
            f"pg_catalog.has_table_privilege(c.oid, '{right}')"
            for right in ("SELECT", "INSERT", "UPDATE")
        )
        return (
            f"SELECT {', '.join(rights)} FROM pg_catalog.pg_class c "
            f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace "
            f"WHERE n.nspname {EQUALS} {literal(self.schema)} "
            f"AND c.relname {EQUALS} {literal(self.name)}"
        )

    # --- writing ------------------------------------------------------------------------------

    def insert(self, entry_id: int | str, values: Mapping[str, Value]) -> str:
        """Append a row; the clock and the user are the server's, and the id may be SQL."""
        known = {name: literal(value) for name, value in values.items() if value is not None}
        names = ", ".join(("id", *known, "started_at", "username"))
        given = ", ".join(known.values())
        return (
            f"INSERT INTO {self.qualified} ({names}) "
            f"VALUES ({entry_id}, {given}, {_NOW}, session_user)"
        )

    def insert_done(self, entry_id: int, values: Mapping[str, Value], done: str | None) -> str:
        """Append a row for what was done before, now or at that time; nobody knows how long."""
        known = {name: literal(value) for name, value in values.items() if value is not None}
        names = ", ".join(("id", *known, "started_at", "finished_at", "username"))
        given = ", ".join(known.values())
        at = _NOW if done is None else f"{literal(done)}::pg_catalog.timestamptz"
        return (
            f"INSERT INTO {self.qualified} ({names}) "
            f"VALUES ({entry_id}, {given}, {at}, {at}, session_user)"
        )

    def retire(self, entry_id: int, state: str) -> str:
        """Take a row out of force."""
        return self._update(entry_id, {"state": literal(state)})

    def touch(self, entry_id: int) -> str:
        """Lock a row without changing it, and without waiting for one who changes its state."""
        return f"SELECT id FROM {self.qualified} WHERE id {EQUALS} {entry_id} FOR KEY SHARE"

    def note(self, entry_id: int, progress: str | None) -> str:
        """Write down how far a row got; ``None`` when that is not known."""
        return self._update(entry_id, {"progress": literal(progress)})

    def take_over(self, entry_id: int, values: Mapping[str, Value]) -> str:
        """Go on with the row of an unfinished run."""
        return self._update(entry_id, {name: literal(value) for name, value in values.items()})

    def finish(self, entry_id: int, state: str, duration_ms: str) -> str:
        """Give a row its final state; the duration is SQL."""
        values = {
            "state": literal(state),
            "duration_ms": duration_ms,
            "finished_at": _NOW,
        }
        return self._update(entry_id, values)

    def _update(self, entry_id: int, values: Mapping[str, str]) -> str:
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        return f"UPDATE {self.qualified} SET {changes} WHERE id {EQUALS} {entry_id}"
