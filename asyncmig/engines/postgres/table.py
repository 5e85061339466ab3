"""The statements about the history table, every name in them qualified.

A hostile or an empty ``search_path`` changes nothing: the table's schema is always written, and
functions are ``pg_catalog``'s.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from asyncmig.engines.rows import ACTIVE_KEY, COLUMNS

DEFAULT_SCHEMA = "public"

_PG_INSTANT = (
    "pg_catalog.to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"') AS {0}"
)
_TYPES = {
    "id": "bigint PRIMARY KEY",
    "format": "smallint NOT NULL",
    "version": "text",
    "started_at": "timestamptz NOT NULL",
    "finished_at": "timestamptz",
    "duration_ms": "bigint",
    "pid": "integer NOT NULL",
    "down_sql": "text",
    "down_transaction": "smallint NOT NULL",
    "progress": "text",
    "failure": "text",
}
_ACTIVE_KEY = ACTIVE_KEY.replace("ltrim", "pg_catalog.ltrim")
_SERVER_SIDE = {
    "started_at": "pg_catalog.clock_timestamp()",
    "username": "session_user",
}


def quoted(identifier: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Return a text literal that no setting of the server reads differently."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"E'{escaped}'" if "\\" in value else "'" + value.replace("'", "''") + "'"


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
        return f"{quoted(self.schema)}.{quoted(self.name)}"

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
    def select(self) -> str:
        """Read every row, every value as text."""
        shown = ", ".join(_as_text(column) for column in COLUMNS)
        return f"SELECT {shown} FROM {self.qualified} ORDER BY {self.qualified}.id"

    def select_one(self) -> str:
        """Read the row with id ``$1``, every value as text."""
        shown = ", ".join(_as_text(column) for column in COLUMNS)
        return f"SELECT {shown} FROM {self.qualified} WHERE id = $1::text::bigint"

    @property
    def generation(self) -> str:
        """Read the two numbers that tell histories apart."""
        return (
            "SELECT coalesce(pg_catalog.max(id), 0)::text AS newest_id, "
            "pg_catalog.count(*) FILTER (WHERE state = 'applying')::text AS unfinished "
            f"FROM {self.qualified}"
        )

    @property
    def create(self) -> str:
        """Create the schema, the table and the index that is the last fence."""
        columns = ", ".join(f"{c} {_TYPES.get(c, 'text NOT NULL')}" for c in COLUMNS)
        index = quoted(f"{self.name}_active"[:63])
        return (
            f"CREATE TABLE {self.qualified} ({columns}); "
            f"CREATE UNIQUE INDEX {index} ON {self.qualified} (({_ACTIVE_KEY}), direction) "
            "WHERE state IN ('applying', 'applied') AND kind <> 'baseline'; "
            f"COMMENT ON TABLE {self.qualified} IS 'history of asyncmig; rows are never deleted'"
        )

    def insert(self, columns: tuple[str, ...]) -> str:
        """Append a row with id ``$1`` and those columns in ``$2`` and following, all as text."""
        given = ", ".join(f"${n}::text{_cast(c)}" for n, c in enumerate(columns, start=2))
        names = ", ".join(("id", *columns, *_SERVER_SIDE))
        clock = ", ".join(_SERVER_SIDE.values())
        return (
            f"INSERT INTO {self.qualified} ({names}) VALUES ($1::text::bigint, {given}, {clock}) "
            "RETURNING pg_catalog.txid_current()::text AS xid"
        )

    @property
    def retire(self) -> str:
        """Give row ``$1`` the state ``$2``."""
        return f"UPDATE {self.qualified} SET state = $2::text WHERE id = $1::text::bigint"

    @property
    def progress(self) -> str:
        """Give row ``$1`` the progress ``$2``."""
        return f"UPDATE {self.qualified} SET progress = $2::text WHERE id = $1::text::bigint"

    @property
    def finish(self) -> str:
        """Give row ``$1`` the state ``$2`` and the duration ``$3``."""
        return (
            f"UPDATE {self.qualified} SET state = $2::text, duration_ms = $3::text::bigint, "
            "finished_at = pg_catalog.clock_timestamp() WHERE id = $1::text::bigint"
        )

    @property
    def elsewhere(self) -> str:
        """Find tables of that name in other schemas."""
        return (
            "SELECT n.nspname::text || '.' || c.relname::text AS place "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = $1::text::name AND c.relkind IN ('r', 'p') "
            "AND n.nspname <> $2::text::name AND n.nspname !~ '^pg_' ORDER BY 1"
        )


def _as_text(column: str) -> str:
    if column in {"started_at", "finished_at"}:
        return _PG_INSTANT.format(column)
    return f"{column}::text AS {column}"


def _cast(column: str) -> str:
    kind = _TYPES.get(column, "text").split()[0]
    return "" if kind == "text" else f"::{kind}"
